package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/ring"
	"designkits/shared/pause"
)

// Leases are the partitions that the ring gives to this process.
type Leases struct {
	session *Session
	self    Member

	mu      sync.Mutex
	shares  map[string]string // of the chat processes that there are, by nodeOf
	changed chan struct{}     // closed when they are others
}

// NewLeases returns those of the chat process of that name, reached at that
// address. It does no I/O.
func (s *Session) NewLeases(name, address string) *Leases {
	return &Leases{session: s, self: Member{Owner: name, Address: address}, changed: make(chan struct{})}
}

// Run takes each partition that belongs to this process when nobody holds it, and
// calls hold with its lease. hold's context ends when the lease is lost or the
// partition belongs to another; the lease is released when hold has returned, so
// that the next owner begins after it. Run returns when ctx has ended and all hold
// have returned.
func (l *Leases) Run(ctx context.Context, hold func(context.Context, messaging.Lease)) error {
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error { return l.session.Watch(ctx, Chats, l.gather) })
	for p := range messaging.Partition(messaging.Partitions) {
		work.Go(func() error { l.keep(ctx, p, hold); return nil })
	}
	return work.Wait()
}

// gather shares the partitions among the chat processes that there are.
func (l *Leases) gather(chats []Member) {
	names := make([]string, len(chats))
	for i, m := range chats {
		names[i] = m.Name
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shares = shares(names)
	close(l.changed)
	l.changed = make(chan struct{})
}

// mine reports whether the partition belongs to this process, and returns what
// is closed when that may have changed.
func (l *Leases) mine(p messaging.Partition) (bool, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.shares[nodeOf(p)] == l.self.Owner, l.changed
}

// shares says which of the named each partition belongs to, by nodeOf.
func shares(names []string) map[string]string {
	nodes := make([]string, messaging.Partitions)
	for p := range nodes {
		nodes[p] = nodeOf(messaging.Partition(p))
	}
	return ring.New(names...).Shares(nodes)
}

func nodeOf(p messaging.Partition) string { return fmt.Sprintf("%02d", p) }

// keep takes one partition whenever it can.
func (l *Leases) keep(ctx context.Context, p messaging.Partition, hold func(context.Context, messaging.Lease)) {
	for ctx.Err() == nil {
		mine, changed := l.mine(p)
		if !mine {
			select {
			case <-changed:
			case <-ctx.Done():
			}
			continue
		}
		lease, free, err := l.take(p)
		switch {
		case err != nil:
			if !errors.Is(err, zk.ErrConnectionClosed) && !errors.Is(err, zk.ErrNoServer) {
				l.session.cfg.Log.Warn("a partition isn't taken for now", "partition", p, "error", err.Error())
			}
			pause.For(ctx, again)
		case lease != nil:
			l.hold(ctx, lease, hold)
		default:
			select {
			case <-free:
			case <-changed:
			case <-ctx.Done():
			}
		}
	}
}

// take returns the lease, or what is closed when the partition may be free.
func (l *Leases) take(p messaging.Partition) (*lease, <-chan zk.Event, error) {
	s := l.session
	if s.unheard() > s.suspect() {
		return nil, nil, zk.ErrNoServer // it would be lost as soon as it is there
	}
	if err := s.ensure(Owners); err != nil {
		return nil, nil, err
	}
	_, next := s.session()
	path := s.path(Owners, nodeOf(p))
	// One of this process's name is from before it was started again.
	epoch, taken, err := s.occupy(path, l.self, func(by Member) bool { return by.Owner == l.self.Owner })
	if err != nil {
		return nil, nil, err
	}
	if !taken {
		there, _, change, err := s.conn.ExistsW(path)
		if err != nil {
			return nil, nil, fmt.Errorf("zookeeper: watch %s: %w", path, err)
		}
		if !there {
			return l.take(p)
		}
		return nil, change, nil
	}
	return &lease{session: s, next: next, partition: p, path: path, epoch: epoch, lost: make(chan struct{})}, nil, nil
}

// hold calls hold for as long as the lease holds and the partition is this
// process's, and releases the lease.
func (l *Leases) hold(ctx context.Context, held *lease, hold func(context.Context, messaging.Lease)) {
	holding, end := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		defer end()
		held.watch(holding, l)
	})
	hold(holding, held)
	end()
	watch.Wait()
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveWithin)
	defer cancel()
	if err := held.Release(release); err != nil {
		l.session.cfg.Log.Info("a partition is free when the session ends", "partition", held.partition, "error", err.Error())
	}
}

// A lease is the messaging.Lease.
type lease struct {
	session   *Session
	next      <-chan struct{} // closed when that has ended
	partition messaging.Partition
	path      string
	epoch     int64
	lost      chan struct{}
}

func (h *lease) Partition() messaging.Partition { return h.partition }
func (h *lease) Epoch() int64                   { return h.epoch }
func (h *lease) Lost() <-chan struct{}          { return h.lost }

// watch returns when the lease is lost, or the partition is another's, or ctx ends.
func (h *lease) watch(ctx context.Context, l *Leases) {
	every := time.NewTicker(h.session.cfg.Timeout / 24)
	defer every.Stop()
	for {
		mine, changed := l.mine(h.partition)
		if !mine {
			return
		}
		select {
		case <-changed:
			continue
		case <-ctx.Done():
			return
		case <-h.next:
		case <-every.C:
			if h.session.unheard() <= h.session.suspect() {
				continue
			}
		}
		close(h.lost)
		return
	}
}

// Release lets the partition go, unless it is gone already.
func (h *lease) Release(ctx context.Context) error {
	err := answered(ctx, func() error {
		_, stat, err := h.session.conn.Get(h.path)
		if err == nil && stat.Czxid == h.epoch {
			err = h.session.conn.Delete(h.path, stat.Version)
		}
		return err
	})
	if err != nil && !errors.Is(err, zk.ErrNoNode) {
		return fmt.Errorf("zookeeper: release %s: %w", h.path, err)
	}
	return nil
}
