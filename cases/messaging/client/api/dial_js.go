package api

import (
	"context"

	"github.com/coder/websocket"
)

// watching watches nothing: a browser answers pings by itself, and tells nobody.
func watching(context.CancelCauseFunc) (*websocket.DialOptions, func()) {
	return &websocket.DialOptions{}, func() {}
}

// hangUp doesn't wait for the browser's closing handshake: a gateway that is frozen
// lets it wait for long.
func hangUp(c *websocket.Conn) { go func() { _ = c.CloseNow() }() }
