// Package gather puts the calls of many callers together into batches: what
// comes while a batch is under way makes up the next. A call that comes alone
// goes at once and alone; under load a round trip that would carry one carries
// hundreds. Databases call the same for their logs group commit.
//
// Nothing waits for a batch to fill, so it costs no latency that isn't there
// anyway; unless Config.Every says that fewer batches are worth some. A lane that is
// woken lets those run first who are ready to, since they may be about to call.
package gather

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"
)

// ErrClosed is the error of calls after Close.
var ErrClosed = errors.New("gather: closed")

// A Gatherer sends items of many callers in batches. Its methods may be called
// by many goroutines at once.
type Gatherer[T any] struct {
	cfg     Config[T]
	some    chan struct{} // of one for each lane: there may be calls
	closing chan struct{}
	lanes   sync.WaitGroup

	mu     sync.Mutex
	calls  []*call[T] // that wait, in the order of their coming
	closed bool
}

// Config says how a Gatherer sends.
type Config[T any] struct {
	// Send carries a batch out. Its error is that of every caller; where items
	// have errors of their own, they hold them themselves. The context ends when
	// the last of the callers has given up.
	Send func(ctx context.Context, batch []T) error
	// Lanes is how many batches may be under way at once. Default 1: batches keep
	// the order of the calls.
	Lanes int
	// Max is how many items a batch has at most. Default 256.
	Max int
	// Every is how long after a batch's beginning its lane begins the next, at least: a
	// call that comes alone still goes at once, and under load batches are fewer and
	// larger, where one costs more than the wait. Default 0.
	Every time.Duration
	// Within bounds a batch none of whose callers has a deadline. Default 2 s.
	Within time.Duration
}

type call[T any] struct {
	ctx   context.Context
	item  T
	done  chan error // buffered, so that a caller that has gone holds nobody up
	batch *batch     // that carries it; nil before
}

// A batch is one under way.
type batch struct {
	waiting int // callers
	cancel  context.CancelFunc
}

// New starts a Gatherer. Close ends it.
func New[T any](cfg Config[T]) *Gatherer[T] {
	if cfg.Lanes == 0 {
		cfg.Lanes = 1
	}
	if cfg.Max == 0 {
		cfg.Max = 256
	}
	if cfg.Within == 0 {
		cfg.Within = 2 * time.Second
	}
	g := &Gatherer[T]{cfg: cfg, some: make(chan struct{}, cfg.Lanes), closing: make(chan struct{})}
	for range cfg.Lanes {
		g.lanes.Go(g.run)
	}
	return g
}

// Close ends the Gatherer when what is under way has come back. Who waits is told.
func (g *Gatherer[T]) Close() {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		close(g.closing)
	}
	for _, c := range g.calls {
		c.done <- ErrClosed
	}
	g.calls = nil
	g.mu.Unlock()
	g.lanes.Wait()
}

// Do sends the item and returns when its batch has been carried out, with the
// batch's error, or when the context ends, with the context's. In the latter
// case the item may be sent all the same, and must not be touched. Nothing is sent
// where the context has ended before.
func (g *Gatherer[T]) Do(ctx context.Context, item T) error { return g.Begin(ctx, item)() }

// Begin is Do for who has something else to do meanwhile: it returns at once, with
// what waits for the item's batch and returns as Do does. It must be called, once.
func (g *Gatherer[T]) Begin(ctx context.Context, item T) (wait func() error) {
	if err := ctx.Err(); err != nil {
		return func() error { return err }
	}
	c := &call[T]{ctx: ctx, item: item, done: make(chan error, 1)}
	if !g.add(c) {
		return func() error { return ErrClosed }
	}
	return func() error {
		select {
		case err := <-c.done:
			return err
		case <-ctx.Done():
			g.leave(c)
			return ctx.Err()
		}
	}
}

// leave ends the batch that carries the call when nobody waits for it any more.
func (g *Gatherer[T]) leave(c *call[T]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.batch == nil {
		return // begin leaves it out
	}
	if c.batch.waiting--; c.batch.waiting == 0 {
		c.batch.cancel()
	}
}

// add has the call wait for a lane, and reports false when there is none any more.
func (g *Gatherer[T]) add(c *call[T]) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.calls = append(g.calls, c)
	g.wake()
	return true
}

// wake has a lane look whether there are calls, unless as many are about to as there are.
func (g *Gatherer[T]) wake() {
	select {
	case g.some <- struct{}{}:
	default:
	}
}

// run sends one batch after the other.
func (g *Gatherer[T]) run() {
	for {
		select {
		case <-g.some:
		case <-g.closing:
			return
		}
		// Callers that an answer has woken together come one after the other, and the
		// first of them has woken this lane: the others go first, or it would leave
		// without them.
		runtime.Gosched()
		for batch := g.take(); len(batch) > 0; batch = g.take() {
			began := time.Now()
			g.send(batch)
			if !g.rest(g.cfg.Every - time.Since(began)) {
				return
			}
		}
	}
}

// take returns all calls that wait, but no more than a batch has.
func (g *Gatherer[T]) take() []*call[T] {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.calls), g.cfg.Max)
	batch := g.calls[:n:n]
	if g.calls = g.calls[n:]; len(g.calls) > 0 {
		g.wake()
	} else {
		g.calls = nil
	}
	return batch
}

// rest waits, and reports false when the Gatherer was closed meanwhile.
func (g *Gatherer[T]) rest(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	select {
	case <-time.After(d):
		return true
	case <-g.closing:
		return false
	}
}

// send carries the calls out for as long as one of the callers waits.
func (g *Gatherer[T]) send(calls []*call[T]) {
	ctx, cancel, calls := g.begin(calls)
	defer cancel()
	if len(calls) == 0 {
		return
	}
	items := make([]T, len(calls))
	for i, c := range calls {
		items[i] = c.item
	}
	err := g.cfg.Send(ctx, items)
	for _, c := range calls {
		c.done <- err
	}
}

// begin returns those of the calls whose callers still wait, and a context that ends
// with the last of them.
func (g *Gatherer[T]) begin(calls []*call[T]) (context.Context, context.CancelFunc, []*call[T]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	calls = slices.DeleteFunc(calls, func(c *call[T]) bool { return c.ctx.Err() != nil })
	var end time.Time
	for _, c := range calls {
		deadline, ok := c.ctx.Deadline()
		if !ok {
			deadline = time.Now().Add(g.cfg.Within)
		}
		if deadline.After(end) {
			end = deadline
		}
	}
	ctx, cancel := context.WithDeadline(context.Background(), end)
	b := &batch{waiting: len(calls), cancel: cancel}
	for _, c := range calls {
		c.batch = b
	}
	return ctx, cancel, calls
}
