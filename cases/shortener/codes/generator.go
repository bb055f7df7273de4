// Package codes makes the codes of short links: numbers from ranges that each
// process leases of one counter, put through a keyed permutation, so that no
// code is made twice and none tells the next.
package codes

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// A Generator hands out generated codes, each of them once in the life of the
// keyspace. It works through a leased range of numbers without talking to
// anybody, and leases the next while half of this one is left, so Next waits
// only when both are used up.
type Generator struct {
	permutation *Permutation
	ranges      RangeStore
	size        uint64

	current atomic.Pointer[span]
	turn    chan struct{} // held by the one caller that moves on to the next range
	wanted  chan struct{} // asks the leaser for a range; never more than one is outstanding
	spare   chan *span    // the next range, once there
	trouble atomic.Pointer[error]
	ended   chan struct{} // closed when the leaser has stopped; why is in trouble

	stop func()
	done sync.WaitGroup
}

// A span is a range of numbers that this process alone may use.
type span struct {
	next   atomic.Uint64
	end    uint64 // exclusive
	refill uint64 // the number at which the next range is asked for
}

// errClosed is what Next answers after Close.
var errClosed = errors.New("codes are closed: the process is stopping")

// NewGenerator binds the counter to the key, leases a first range of size numbers
// (RangeSize, outside of tests), and keeps one range ahead until Close.
func NewGenerator(ctx context.Context, key []byte, ranges RangeStore, size uint64) (*Generator, error) {
	if size == 0 {
		return nil, errors.New("codes: a range of 0 codes can't be leased")
	}
	permutation, err := NewPermutation(key)
	if err != nil {
		return nil, err
	}
	if err := ranges.Bind(ctx, permutation.Fingerprint()); err != nil {
		return nil, fmt.Errorf("codes: bind the counter to the key: %w", err)
	}
	first, err := lease(ctx, ranges, size)
	if err != nil {
		return nil, err
	}
	leasing, stop := context.WithCancel(context.WithoutCancel(ctx))
	c := &Generator{
		permutation: permutation,
		ranges:      ranges,
		size:        size,
		turn:        make(chan struct{}, 1),
		wanted:      make(chan struct{}, 1),
		spare:       make(chan *span, 1),
		ended:       make(chan struct{}),
		stop:        stop,
	}
	c.current.Store(first)
	c.done.Go(func() { c.keepAhead(leasing) })
	return c, nil
}

// Close stops the leasing and waits for it. What is left of the ranges is lost.
func (c *Generator) Close() {
	c.stop()
	c.done.Wait()
}

// Next returns a code that was never returned before, here or elsewhere. It
// may be called by many goroutines at once; in the usual case it costs one
// atomic addition and the permutation. It fails with ErrExhausted when there
// are no codes left, and with the context's error when the context ends while
// it waits for the store.
func (c *Generator) Next(ctx context.Context) (string, error) {
	for {
		s := c.current.Load()
		// Callers that come late push next beyond end; that is harmless, since
		// nobody uses those numbers.
		n := s.next.Add(1) - 1
		if n < s.end {
			if n == s.refill {
				c.wanted <- struct{}{}
			}
			return c.permutation.Code(n), nil
		}
		if err := c.advance(ctx, s); err != nil {
			return "", err
		}
	}
}

// CodeFor is Next: what a link leads to has no part in its code.
func (c *Generator) CodeFor(ctx context.Context, _ string) (string, error) { return c.Next(ctx) }

// advance replaces the used-up range by the spare one, once for all callers.
func (c *Generator) advance(ctx context.Context, used *span) error {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return c.waitedInVain(ctx)
	}
	if c.current.Load() != used {
		return nil
	}
	select {
	case next := <-c.spare:
		c.current.Store(next)
		return nil
	case <-c.ended:
		return *c.trouble.Load()
	case <-ctx.Done():
		return c.waitedInVain(ctx)
	}
}

// waitedInVain joins the context's error with what keeps the leaser waiting.
func (c *Generator) waitedInVain(ctx context.Context) error {
	if trouble := c.trouble.Load(); trouble != nil {
		return fmt.Errorf("next code: %w, waiting for a range: %w", ctx.Err(), *trouble)
	}
	return fmt.Errorf("next code: %w, waiting for a range", ctx.Err())
}

// keepAhead leases a range for each request, and tries again for as long as it
// takes: the store being away must not end the process.
func (c *Generator) keepAhead(ctx context.Context) {
	defer close(c.ended)
	const shortest, longest = 50 * time.Millisecond, 2 * time.Second
	pause := shortest
	for {
		select {
		case <-c.wanted:
		case <-ctx.Done():
			c.trouble.Store(&errClosed)
			return
		}
		for {
			next, err := lease(ctx, c.ranges, c.size)
			if err == nil {
				c.trouble.Store(nil)
				pause = shortest
				c.spare <- next // never blocks: a range is asked for only once the one before is in use
				break
			}
			if ctx.Err() != nil {
				err = errClosed
			}
			c.trouble.Store(&err)
			if errors.Is(err, ErrExhausted) || errors.Is(err, errClosed) {
				return
			}
			select {
			case <-time.After(pause):
				pause = min(2*pause, longest)
			case <-ctx.Done():
			}
		}
	}
}
