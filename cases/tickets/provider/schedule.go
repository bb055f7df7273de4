package provider

import (
	"container/heap"
	"context"
	"math"
	"sync"
	"time"
)

// A schedule is a queue by time, and of the same time by order. Anybody may add;
// one goroutine takes.
type schedule[T any] struct {
	mu    sync.Mutex
	items appointments[T]
	added int64
	// sooner tells the taker that the first item may be another. It holds one
	// message: a second would say the same.
	sooner chan struct{}
}

func newSchedule[T any]() *schedule[T] { return &schedule[T]{sooner: make(chan struct{}, 1)} }

func (s *schedule[T]) add(at time.Time, item T) {
	s.mu.Lock()
	s.added++
	heap.Push(&s.items, appointment[T]{at, s.added, item})
	s.mu.Unlock()
	select {
	case s.sooner <- struct{}{}:
	default:
	}
}

// next waits until an item is due and takes it, or returns the context's error.
func (s *schedule[T]) next(ctx context.Context) (item T, err error) {
	for {
		item, wait, due := s.take()
		if due {
			return item, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return item, ctx.Err()
		case <-s.sooner:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// take takes the first item if it is due, else says how long that will be.
func (s *schedule[T]) take() (item T, wait time.Duration, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.items) == 0 {
		return item, math.MaxInt64, false
	}
	if wait = time.Until(s.items[0].at); wait > 0 {
		return item, wait, false
	}
	return heap.Pop(&s.items).(appointment[T]).item, 0, true
}

type appointment[T any] struct {
	at    time.Time
	order int64
	item  T
}

// appointments is a heap.Interface.
type appointments[T any] []appointment[T]

func (a appointments[T]) Len() int      { return len(a) }
func (a appointments[T]) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a appointments[T]) Less(i, j int) bool {
	if !a[i].at.Equal(a[j].at) {
		return a[i].at.Before(a[j].at)
	}
	return a[i].order < a[j].order
}
func (a *appointments[T]) Push(x any) { *a = append(*a, x.(appointment[T])) }
func (a *appointments[T]) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}
