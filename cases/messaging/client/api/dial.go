package api

import (
	"context"
	"errors"
	"fmt"

	"github.com/coder/websocket"

	"designkits/cases/messaging/device"
	"designkits/cases/messaging/wire"
)

// conn is a WebSocket that works in the browser as well, where it is the browser's.
type conn struct {
	*websocket.Conn
	alive func() // the gateway was heard of
	end   context.Context
	stop  context.CancelCauseFunc
}

var errClosed = errors.New("the connection was closed on this side")

func dial(ctx context.Context, gateway string, protocols []string) (device.Conn, error) {
	end, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	options, alive := watching(cancel)
	options.Subprotocols = protocols
	c, answer, err := websocket.Dial(ctx, "ws://"+gateway+"/connect", options)
	if err != nil {
		cancel(err)
		if answer != nil && answer.StatusCode != 0 && answer.StatusCode != 101 {
			return nil, fmt.Errorf("%w: %s", err, answer.Status)
		}
		return nil, err
	}
	c.SetReadLimit(2 * wire.MaxFrame) // a Page of messages
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
	hangUp(c.Conn)
}
