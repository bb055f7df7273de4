// Package device connects a device to a gateway by gorilla's WebSocket, as a program
// does that runs thousands of them. Package messaging/device is what it does then.
package device

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"designkits/cases/messaging/device"
)

// What a caller needs of package messaging/device.
type (
	Config  = device.Config
	Device  = device.Device
	Refusal = device.Refusal
)

// New returns a device that dials by gorilla. Run connects it.
func New(cfg Config) *Device {
	cfg.Dial = Dial
	return device.New(cfg)
}

type conn struct{ *websocket.Conn }

// Dial is device.Config's: it connects to a gateway, offering subprotocols.
func Dial(ctx context.Context, gateway string, protocols []string) (device.Conn, error) {
	dialer := websocket.Dialer{Subprotocols: protocols}
	c, res, err := dialer.DialContext(ctx, "ws://"+gateway+"/connect", http.Header{})
	if err != nil {
		if res != nil {
			err = fmt.Errorf("%w: %s", err, res.Status)
		}
		return nil, err
	}
	answer := c.PingHandler()
	c.SetPingHandler(func(text string) error {
		_ = conn{c}.alive()
		return answer(text)
	})
	return conn{c}, nil
}

func (c conn) alive() error { return c.SetReadDeadline(time.Now().Add(device.SilentFor)) }

func (c conn) Read(ctx context.Context) ([]byte, error) {
	defer context.AfterFunc(ctx, c.Close)() // a read doesn't hear of the context's end
	if err := c.alive(); err != nil {
		return nil, err
	}
	_, text, err := c.ReadMessage()
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
		err = &device.Closed{Code: closed.Code, Reason: closed.Text}
	}
	return text, err
}

func (c conn) Write(frame []byte) error {
	if err := c.SetWriteDeadline(time.Now().Add(device.WriteWithin)); err != nil {
		return err
	}
	return c.WriteMessage(websocket.TextMessage, frame)
}

func (c conn) Close() { _ = c.Conn.Close() }
