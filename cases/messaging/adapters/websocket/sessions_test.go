package websocket_test

import (
	"sync"
	"sync/atomic"

	"designkits/cases/messaging/adapters/websocket"
)

// counts are an Observer.
type counts struct {
	websocket.Observer
	mu      sync.Mutex
	refused map[websocket.Refusal]int
	opened  atomic.Int64
	lagged  atomic.Int64
	got     atomic.Int64
	sent    atomic.Int64
}

func (c *counts) Opened()               { c.opened.Add(1) }
func (c *counts) Closed(websocket.Code) { c.opened.Add(-1) }
func (c *counts) Received(int)          { c.got.Add(1) }
func (c *counts) Sent(n, _ int)         { c.sent.Add(int64(n)) }
func (c *counts) Lagged()               { c.lagged.Add(1) }
func (c *counts) Panicked(any)          {}
func (c *counts) Refused(why websocket.Refusal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused == nil {
		c.refused = map[websocket.Refusal]int{}
	}
	c.refused[why]++
}

func (c *counts) refusals(why websocket.Refusal) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused[why]
}

// An opener is a session that only says when it was opened.
type opener func(*websocket.Conn)

func (o opener) Opened(c *websocket.Conn)                     { o(c) }
func (opener) Frame(*websocket.Conn, []byte)                  {}
func (opener) Closed(*websocket.Conn, websocket.Code, string) {}
