package websocket

import "time"

// Alone makes each connection have a goroutine, as where there is no epoll.
func (c Config) Alone() Config {
	c.alone = true
	return c
}

// Look is a sweep's.
func (c *Conn) Look(now, awake time.Time) { c.look(now, awake) }
