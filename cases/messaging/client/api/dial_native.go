//go:build !js

package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coder/websocket"

	"designkits/cases/messaging/device"
)

// conn is a WebSocket, on which every ping of the gateway counts as well.
type conn struct {
	*websocket.Conn
	alive func() // the gateway was heard of
	end   context.Context
	stop  context.CancelCauseFunc
}

func dial(ctx context.Context, gateway string, protocols []string) (device.Conn, error) {
	end, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	// What is silent for a while is ended.
	silence := time.AfterFunc(device.SilentFor, func() { cancel(errors.New("the gateway is silent")) })
	alive := func() { silence.Reset(device.SilentFor) }
	c, answer, err := websocket.Dial(ctx, "ws://"+gateway+"/connect", &websocket.DialOptions{
		Subprotocols: protocols, OnPingReceived: func(context.Context, []byte) bool { alive(); return true },
	})
	if err != nil {
		cancel(err)
		if answer != nil && answer.StatusCode != 0 && answer.StatusCode != 101 {
			return nil, fmt.Errorf("%w: %s", err, answer.Status)
		}
		return nil, err
	}
	c.SetReadLimit(maxRead)
	return &conn{c, alive, end, cancel}, nil
}

func (c *conn) Read(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.end, func() { cancel(context.Cause(c.end)) })()
	c.alive()
	_, text, err := c.Conn.Read(ctx)
	if closed, ok := errors.AsType[websocket.CloseError](err); ok {
		err = &device.Closed{Code: int(closed.Code), Reason: closed.Reason}
	}
	return text, err
}

func (c *conn) Write(frame []byte) error {
	ctx, cancel := context.WithTimeout(c.end, device.WriteWithin)
	defer cancel()
	return c.Conn.Write(ctx, websocket.MessageText, frame)
}

func (c *conn) Close() {
	c.stop(errClosed)
	_ = c.CloseNow() // whoever reads is told
}
