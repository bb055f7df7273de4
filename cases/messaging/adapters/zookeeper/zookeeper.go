// Package zookeeper keeps in Apache ZooKeeper who is there, and who owns which
// partition of the conversations.
//
//	/NAMESPACE/gateways/NAME   a gateway and its address
//	/NAMESPACE/chats/NAME      a chat process and its address
//	/NAMESPACE/owners/NN       the owner of partition NN and its address
//
// All are ephemeral: they are there as long as the session of the process that
// made them, which ends when ZooKeeper hears nothing of it for the session's
// timeout. A process takes what the ring of the registered chat processes gives
// it, once the owner before has let go, so that no partition has two.
//
// A lease is suspected, and counts as lost, when ZooKeeper hasn't answered for two
// thirds of the timeout, measured from when the question was asked: the session
// lives a third longer at least, so a process that hears nothing stops before
// another begins. That holds for clocks that run at the same speed and processes
// that aren't frozen; for all others there is the log's epoch (see messaging.Log).
package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
)

// Config says where ZooKeeper is.
type Config struct {
	Servers   []string // "127.0.0.1:2181"
	Namespace string
	// Timeout is the session's, default 6 s: how long the partitions of a process
	// that died are without an owner.
	Timeout time.Duration
	Log     *slog.Logger
}

// A Session is this process's connection. It lasts through disconnections; when
// ZooKeeper has ended it a new one begins, and what was registered is registered
// again. It may be used by many goroutines at once.
type Session struct {
	conn *zk.Conn
	cfg  Config

	mu    sync.Mutex
	heard time.Time     // when the last question was asked that was answered
	id    int64         // of the session; 0 before the first
	next  chan struct{} // closed when another session begins

	end   context.CancelFunc
	pulse sync.WaitGroup
}

// Open begins a session. It does not wait for it: ZooKeeper may be away.
func Open(cfg Config) (*Session, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = 6 * time.Second
	}
	s := &Session{cfg: cfg, next: make(chan struct{})}
	conn, _, err := zk.Connect(cfg.Servers, cfg.Timeout, zk.WithLogger(quiet{cfg.Log}), zk.WithLogInfo(false))
	if err != nil {
		return nil, fmt.Errorf("zookeeper: connect to %v: %w", cfg.Servers, err)
	}
	s.conn = conn
	ctx, cancel := context.WithCancel(context.Background())
	s.end = cancel
	s.pulse.Go(func() { s.listen(ctx) })
	return s, nil
}

// quiet hands the client's words on for whoever looks for them.
type quiet struct{ log *slog.Logger }

func (q quiet) Printf(format string, args ...any) {
	q.log.Debug(fmt.Sprintf(format, args...), "from", "zookeeper")
}

// Close ends the session, and with it all that this process has registered and
// holds.
func (s *Session) Close(context.Context) error {
	s.end()
	s.conn.Close()
	s.pulse.Wait()
	return nil
}

// Ping reports whether ZooKeeper has answered lately, for a readiness check.
func (s *Session) Ping(context.Context) error {
	if s.unheard() > s.suspect() {
		return errors.New("zookeeper: it hasn't answered lately; `kit status` tells whether it runs")
	}
	return nil
}

// suspect is how long ZooKeeper may say nothing before leases are lost.
func (s *Session) suspect() time.Duration { return s.cfg.Timeout * 2 / 3 }

// unheard is for how long ZooKeeper can have heard nothing of this session.
func (s *Session) unheard() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.heard)
}

// session returns the id of the session, and what is closed when it is another.
func (s *Session) session() (int64, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id, s.next
}

// listen asks again and again. A question that is asked while the connection is
// broken is answered when it is whole again, and then counts from when it was asked.
func (s *Session) listen(ctx context.Context) {
	every := time.NewTicker(s.cfg.Timeout / 12)
	defer every.Stop()
	for {
		asked := time.Now()
		_, _, err := s.conn.Exists("/")
		if id := s.conn.SessionID(); err == nil && id != 0 {
			s.mu.Lock()
			s.heard = asked
			if id != s.id {
				s.id = id
				close(s.next)
				s.next = make(chan struct{})
			}
			s.mu.Unlock()
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
	}
}

// path is that of a znode of this namespace.
func (s *Session) path(parts ...string) string {
	return "/" + strings.Join(append([]string{s.cfg.Namespace}, parts...), "/")
}

// ensure creates a znode that stays, and those above it.
func (s *Session) ensure(kind string) error {
	for _, path := range []string{s.path(), s.path(kind)} {
		if _, err := s.conn.Create(path, nil, 0, zk.WorldACL(zk.PermAll)); err != nil && !errors.Is(err, zk.ErrNodeExists) {
			return fmt.Errorf("zookeeper: create %s: %w", path, err)
		}
	}
	return nil
}

// answered waits for ask, or until ctx ends: the client itself knows no deadline.
func answered(ctx context.Context, ask func() error) error {
	done := make(chan error, 1)
	go func() { done <- ask() }() // ends with the answer, or with the session
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
