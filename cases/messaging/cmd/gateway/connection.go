package main

import (
	"net/http"

	"designkits/cases/messaging/adapters/gatewayapi"
	"designkits/cases/messaging/adapters/websocket"
	"designkits/cases/messaging/session"
)

// opened is how the connection layer asks whether a handshake is let in.
func opened(api *gatewayapi.Server) func(http.ResponseWriter, *http.Request) websocket.Session {
	return func(w http.ResponseWriter, r *http.Request) websocket.Session {
		if s := api.Open(w, r); s != nil {
			return connection{s}
		}
		return nil
	}
}

// A connection is a session as the connection layer calls it.
type connection struct{ *session.Session }

func (c connection) Opened(conn *websocket.Conn)                    { c.Session.Opened(line{conn}) }
func (c connection) Frame(_ *websocket.Conn, text []byte)           { c.Session.Frame(text) }
func (c connection) Closed(*websocket.Conn, websocket.Code, string) { c.Session.Closed() }

// A line is a connection as a session calls it.
type line struct{ *websocket.Conn }

func (l line) Send(frame []byte) bool { return l.Conn.Send(frame) == nil }

func (l line) Close(code int, reason string) { l.Conn.Close(websocket.Code(code), reason) }
