package api

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall/js"

	"designkits/cases/messaging/device"
)

// conn is the browser's WebSocket. It answers pings by itself, and tells nobody. The
// library that is used elsewhere would hide with which code a gateway has closed it,
// and who was signed out wouldn't know.
type conn struct {
	socket js.Value
	hears  map[string]js.Func

	mu     sync.Mutex
	frames [][]byte      // that weren't read yet: a browser doesn't let a gateway wait
	why    error         // it has ended
	some   chan struct{} // of one: something has changed
}

func dial(ctx context.Context, gateway string, protocols []string) (_ device.Conn, err error) {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case js.Error:
			err = fmt.Errorf("connect to %s: %w", gateway, thrown)
		default:
			panic(thrown)
		}
	}()
	offered := make([]any, len(protocols))
	for i, p := range protocols {
		offered[i] = p
	}
	c := &conn{socket: js.Global().Get("WebSocket").New("ws://"+gateway+"/connect", offered), some: make(chan struct{}, 1)}
	c.hear()
	const connecting = 0
	for c.socket.Get("readyState").Int() == connecting {
		select {
		case <-c.some:
		case <-ctx.Done():
			c.Close()
			return nil, ctx.Err()
		}
	}
	c.mu.Lock()
	why := c.why
	c.mu.Unlock()
	if why != nil {
		c.Close()
		return nil, why
	}
	return c, nil
}

// hear follows what happens to the socket. An error is followed by a close.
func (c *conn) hear() {
	c.hears = map[string]js.Func{
		"onopen": js.FuncOf(func(js.Value, []js.Value) any {
			c.change(func() {})
			return nil
		}),
		"onmessage": js.FuncOf(func(_ js.Value, args []js.Value) any {
			data := args[0].Get("data")
			if data.Type() != js.TypeString {
				c.fail(errors.New("the gateway sends what is no text"))
			} else if frame := []byte(data.String()); len(frame) > maxRead {
				c.fail(fmt.Errorf("the gateway sends a frame of more than %d bytes", maxRead))
			} else {
				c.change(func() { c.frames = append(c.frames, frame) })
			}
			return nil
		}),
		"onclose": js.FuncOf(func(_ js.Value, args []js.Value) any {
			c.fail(&device.Closed{Code: args[0].Get("code").Int(), Reason: args[0].Get("reason").String()})
			return nil
		}),
	}
	for event, f := range c.hears {
		c.socket.Set(event, f)
	}
}

func (c *conn) change(do func()) {
	c.mu.Lock()
	do()
	c.mu.Unlock()
	select {
	case c.some <- struct{}{}:
	default:
	}
}

func (c *conn) fail(why error) {
	c.change(func() {
		if c.why == nil {
			c.why = why
		}
	})
}

func (c *conn) Read(ctx context.Context) ([]byte, error) {
	for {
		c.mu.Lock()
		frames, why := c.frames, c.why
		if len(frames) > 0 {
			c.frames = frames[1:]
		}
		c.mu.Unlock()
		switch {
		case len(frames) > 0:
			return frames[0], nil
		case why != nil:
			return nil, why
		}
		select {
		case <-c.some:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (c *conn) Write(frame []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why == nil {
		c.socket.Call("send", string(frame))
	}
	return c.why
}

// Close doesn't wait for the closing handshake: a gateway that is frozen lets it wait
// for long.
func (c *conn) Close() {
	c.fail(errClosed)
	c.mu.Lock()
	defer c.mu.Unlock()
	for event, f := range c.hears {
		c.socket.Set(event, js.Null())
		f.Release()
	}
	c.hears = nil
	c.socket.Call("close")
}
