//go:build !js

package api

import (
	"context"
	"errors"
	"time"

	"github.com/coder/websocket"

	"designkits/cases/messaging/device"
)

// watching ends a connection on which nothing is heard for a while, no ping either.
func watching(end context.CancelCauseFunc) (*websocket.DialOptions, func()) {
	silence := time.AfterFunc(device.SilentFor, func() { end(errors.New("the gateway is silent")) })
	alive := func() { silence.Reset(device.SilentFor) }
	return &websocket.DialOptions{OnPingReceived: func(context.Context, []byte) bool { alive(); return true }}, alive
}

func hangUp(c *websocket.Conn) { _ = c.CloseNow() } // whoever reads is told
