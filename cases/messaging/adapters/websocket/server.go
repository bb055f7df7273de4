package websocket

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// A Server is the connection layer of one process. Its methods may be called by
// any goroutine.
type Server struct {
	config    Config
	upgrader  websocket.Upgrader
	table     table
	addresses addresses
	readers   line // connections that have something to read, or have ended
	writers   line // connections that have something to write
	epoll     *epoll
	draining  atomic.Bool
	stop      chan struct{} // closed by Close
	closing   sync.Once
	work      sync.WaitGroup
}

// New returns a server whose goroutines run until Close.
func New(config Config) (*Server, error) {
	if len(config.Resume) == 0 {
		return nil, errors.New("websocket: Config.Resume is empty: a client that lags must be told so, by a frame that it understands")
	}
	s := &Server{config: config.withDefaults(), stop: make(chan struct{})}
	s.addresses.most = s.config.PerAddress
	s.upgrader = s.newUpgrader()
	s.table.emptied = make(chan struct{})
	s.readers.init()
	s.writers.init()
	var err error
	if s.epoll, err = newEpoll(); err != nil {
		return nil, fmt.Errorf("websocket: %w", err)
	}
	for range s.config.Readers {
		s.work.Go(func() { s.readers.each((*Conn).serve) })
	}
	for range s.config.Writers {
		s.work.Go(func() { s.writers.each((*Conn).pump) })
	}
	s.work.Go(func() { s.epoll.wait(s.ready) })
	s.work.Go(s.sweep)
	return s, nil
}

// Connections is how many there are.
func (s *Server) Connections() int { return s.table.len() }

// ready passes on what epoll has to tell of a connection, if it is still there.
func (s *Server) ready(at ticket, read, write bool) {
	c := s.table.get(at)
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if read && !c.busy {
		c.busy = true
		s.readers.join(c)
	}
	if write && c.out.blocked {
		c.out.blocked, c.out.pumping = false, true
		s.writers.join(c)
	}
	// The event has disarmed both; one may still be waited for.
	if c.phase != ended && (!c.busy || c.out.blocked) {
		s.epoll.arm(c)
	}
}

// frozen is by how much a tick comes too late only when nothing of this process ran.
const frozen = time.Second

// sweep looks at every connection in turn, a part of them at each tick: one timer
// for all, where a timer or a place in a heap for each would have to be moved
// with every message. Where a tick comes that late this process was frozen: how long
// the clients were silent it can't tell, and every timeout begins anew.
func (s *Server) sweep() {
	const parts = 8
	ticker := time.NewTicker(s.config.sweepEvery() / parts)
	defer ticker.Stop()
	awake, last := time.Time{}, time.Now()
	for part := 0; ; part = (part + 1) % parts {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
		}
		now := time.Now()
		if now.Sub(last) > s.config.sweepEvery()/parts+frozen {
			awake = now
		}
		last = now
		for c := range s.table.part(part, parts) {
			c.look(now, awake)
		}
	}
}

// Drain moves the clients to other gateways: no handshake is taken any more, and
// each connection is closed with CodeRestart at its own moment of DrainWindow,
// told by the reason "retry-after-ms=N" to wait a random part of RetryWithin. It
// returns when the last has gone, or with the context's error.
func (s *Server) Drain(ctx context.Context) error {
	s.draining.Store(true)
	s.table.shut()
	all := s.table.all()
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	begun := time.Now()
	for i, c := range all {
		due := begun.Add(s.config.DrainWindow * time.Duration(i) / time.Duration(len(all)))
		if wait := time.Until(due); wait > 0 && !s.pause(ctx, wait) {
			break
		}
		c.Close(CodeRestart, s.retryAfter())
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("websocket: drain: %d connections are left: %w", s.Connections(), ctx.Err())
	case <-s.table.emptied:
		return nil
	}
}

// pause waits, and reports whether it could: nobody is left to be closed, or the
// context has ended, where it couldn't.
func (s *Server) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-s.table.emptied:
	}
	return false
}

// retryAfter is the reason of a close frame that sends a client elsewhere.
func (s *Server) retryAfter() string {
	return fmt.Sprintf("retry-after-ms=%d", rand.N(s.config.RetryWithin).Milliseconds())
}

// Close ends all connections at once, without a closing handshake, and waits for
// every session's Closed and all goroutines. After Drain there is nothing to end.
func (s *Server) Close() {
	s.draining.Store(true)
	s.closing.Do(func() {
		s.table.shut()
		for _, c := range s.table.all() {
			c.end(CodeAbnormal, "")
		}
		<-s.table.emptied
		close(s.stop)
		s.epoll.close()
		s.readers.close()
		s.writers.close()
	})
	s.work.Wait()
}

// guard runs a session's method; a panic costs its connection and no other.
func (c *Conn) guard(call func()) {
	defer func() {
		if p := recover(); p != nil {
			slog.Error("websocket: a session panicked", "panic", p, "stack", string(debug.Stack()))
			c.server.config.Observer.Panicked(p)
			c.fail(errInternal)
		}
	}()
	call()
}
