package websocket

import "errors"

// A Session is what the gateway keeps for one connection, and what is told of it.
// Its methods are called one at a time, but by any goroutine.
type Session interface {
	// Opened is called once, before everything else. It may Send.
	Opened(c *Conn)
	// Frame is called for each text message. The bytes are valid UTF-8 and may be
	// changed, but not kept: the buffer is used again when Frame returns.
	Frame(c *Conn, text []byte)
	// Closed is called once, last. The code is that of whoever closed first, or
	// CodeAbnormal when the connection just ended.
	Closed(c *Conn, code Code, reason string)
}

// A BinarySession also takes binary messages, under the same rules as Frame.
type BinarySession interface {
	Session
	Binary(c *Conn, data []byte)
}

// What Send has against a frame.
var (
	// ErrLagging: the client reads too slowly and is in resume mode. The frame is
	// not sent; the client will ask for what it missed.
	ErrLagging = errors.New("the client lags behind and has to catch up")
	// ErrClosed: the connection has ended or is about to.
	ErrClosed = errors.New("the connection is closed")
)

// An Observer counts. Its methods are called by many goroutines at once and must
// not block.
type Observer interface {
	Opened()
	Closed(code Code)
	Refused(why Refusal)    // a handshake
	Received(bytes int)     // one message
	Sent(frames, bytes int) // as handed to be written, control frames too
	Lagged()                // a client fell into resume mode
	Panicked(recovered any) // a session's method; the connection ends with 1011
}

// A Refusal is why a handshake was refused; a word for a label.
type Refusal string

// The refusals.
const (
	RefusedDraining   Refusal = "draining"
	RefusedFull       Refusal = "full"        // Config.Connections
	RefusedAddress    Refusal = "per-address" // Config.PerAddress
	RefusedOrigin     Refusal = "origin"
	RefusedHandshake  Refusal = "handshake"  // no WebSocket handshake, or a broken one
	RefusedByOpen     Refusal = "by-gateway" // the gateway has answered itself
	RefusedUnfinished Refusal = "unfinished" // too many handshakes of one address under way
)

// blind is the Observer where nobody looks.
type blind struct{}

func (blind) Opened()         {}
func (blind) Closed(Code)     {}
func (blind) Refused(Refusal) {}
func (blind) Received(int)    {}
func (blind) Sent(_, _ int)   {}
func (blind) Lagged()         {}
func (blind) Panicked(any)    {}
