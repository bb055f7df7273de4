package websocket

// Alone makes each connection have a goroutine, as where there is no epoll.
func (c Config) Alone() Config {
	c.alone = true
	return c
}
