// Package websocket is the connection layer of the messaging gateway: it carries
// text frames between sessions and thousands of WebSocket connections, and knows
// nothing of messages.
//
//	server, err := websocket.New(websocket.Config{Origins: …, Observer: …})
//	handler := server.Handler(func(w http.ResponseWriter, r *http.Request) websocket.Session {
//		who, err := authenticate(r)
//		if err != nil {
//			problem.Write(w, …)
//			return nil // it has answered
//		}
//		return newSession(who)
//	})
//	s.Before = func(l net.Listener) net.Listener { return websocket.Handshakes(l, 100, observer) } // of service.Service
//	…
//	server.Drain(ctx)  // moves clients elsewhere, returns when the last has gone
//	server.Close()     // ends what is left, and all goroutines
//
// # Who does what
//
// gorilla/websocket does the handshake and makes the frames that go out. Frames
// that come in are taken apart here (decode.go), because gorilla's reader blocks
// a goroutine until its frame is whole, and an error to it is final: it can't be
// asked for what has arrived so far.
//
// An idle connection has no goroutine and no buffer. On Linux one epoll instance
// (epoll_linux.go) tells which connections have something to read or have room
// again; a bounded pool of readers takes frames apart and calls the sessions
// (serve.go), and a pool of writers empties outbound queues with writes that never
// block (pump.go). Elsewhere, and for connections with TLS, each has a goroutine
// that waits in its read (Conn.serveAlone), with the same code behind it. All
// timeouts are one sweep over the connections (Server.sweep, Conn.look).
//
// # What it guarantees
//
//   - A session's methods are called one at a time: Opened, then Frame for each
//     message in the order sent, then Closed, exactly once, and nothing after it.
//   - Frame gets whole, valid UTF-8, of at most Config.MaxMessage bytes, however it
//     was fragmented or compressed. Binary messages go to a session that has a
//     Binary method, and end other connections with 1003.
//   - A Frame that blocks holds up its own connection and one of Config.Readers,
//     nobody else; that is the way to slow down a client that sends too fast.
//   - Send never blocks. The queue of a client that reads too slowly is emptied when
//     it is full, and the connection is in resume mode: it is told so by the frame
//     Config.Resume, and Send answers ErrLagging until the session calls Resumed,
//     when the client has asked for what it missed. One that hardly takes anything
//     is ended after Config.WriteTimeout.
//   - Close may be called from any goroutine, any number of times. What was sent
//     before it goes out first.
//
// It doesn't guarantee that a frame that was sent arrives: TCP doesn't say. Who
// needs to know that lets the other side acknowledge.
package websocket
