package websocket

import (
	"cmp"
	"net/http"
	"net/netip"
	"runtime"
	"time"

	"designkits/shared/peer"
)

// A Config says what the layer takes from its clients. The zero value of a field
// is the default that stands with it.
type Config struct {
	// Origins are the pages that may connect, as browsers say them:
	// "https://chat.example.org"; "*" is any. A page of the same host always may,
	// and so may who says no origin, which no browser can.
	Origins []string
	// Protocols are the subprotocols that are spoken, the preferred first. A client
	// that offers some, of which none is here, is told of none; a browser ends the
	// connection then.
	Protocols []string
	// Address is whom Connections a client counts for; default the peer's network.
	// A gateway behind a proxy looks at what the proxy says.
	Address func(*http.Request) netip.Addr

	Connections int // at most, of all; default 18,000, below a limit of 20,000 descriptors
	PerAddress  int // at most, of one address; default no limit

	MaxMessage     int           // bytes of one message, after decompression; default 64 KiB
	MessageTimeout time.Duration // from a message's first byte to its last; default 30 s
	PingEvery      time.Duration // of silence; default 30 s
	IdleTimeout    time.Duration // of silence, not even pongs, until the connection ends; default 75 s
	CloseTimeout   time.Duration // for the peer's part of the closing handshake; default 5 s

	QueueFrames  int           // outbound, at most; default 256
	QueueBytes   int           // outbound, at most, one frame always fits; default 256 KiB
	WriteTimeout time.Duration // for a client to take 16 KiB, or one frame if that is larger; default 15 s
	Resume       []byte        // the frame that tells a client to catch up; required

	// CompressAbove is the size from which text is compressed where the client can
	// read that; default 512 bytes, negative never.
	CompressAbove int

	Readers int // sessions' calls at a time; default 64
	Writers int // default as many as cores

	// DrainWindow is over how long Drain spreads its closings, and RetryWithin over
	// how long the clients are asked to spread their return; default 3 s each.
	DrainWindow, RetryWithin time.Duration

	Observer Observer

	alone bool // a goroutine a connection, as where there is no epoll
}

// withDefaults fills in the defaults.
func (c Config) withDefaults() Config {
	if c.Address == nil {
		c.Address = func(r *http.Request) netip.Addr { return peer.Network(peer.Connected(r)) }
	}
	c.Connections = cmp.Or(c.Connections, 18_000)
	c.MaxMessage = cmp.Or(c.MaxMessage, 64<<10)
	c.MessageTimeout = cmp.Or(c.MessageTimeout, 30*time.Second)
	c.PingEvery = cmp.Or(c.PingEvery, 30*time.Second)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, 75*time.Second)
	c.CloseTimeout = cmp.Or(c.CloseTimeout, 5*time.Second)
	c.QueueFrames = cmp.Or(c.QueueFrames, 256)
	c.QueueBytes = cmp.Or(c.QueueBytes, 256<<10)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 15*time.Second)
	c.CompressAbove = cmp.Or(c.CompressAbove, 512)
	c.Readers = cmp.Or(c.Readers, 64)
	c.Writers = cmp.Or(c.Writers, runtime.GOMAXPROCS(0))
	c.DrainWindow = cmp.Or(c.DrainWindow, 3*time.Second)
	c.RetryWithin = cmp.Or(c.RetryWithin, 3*time.Second)
	if c.Observer == nil {
		c.Observer = blind{}
	}
	return c
}

// sweepEvery is how long it takes to look at every connection once: a timeout is
// noticed that much late at most.
func (c Config) sweepEvery() time.Duration {
	shortest := min(c.MessageTimeout, c.PingEvery, c.IdleTimeout, c.CloseTimeout, c.WriteTimeout)
	return max(min(shortest/4, time.Second), 4*time.Millisecond)
}
