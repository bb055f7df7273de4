package session

import (
	"context"
	"sync"
)

// A fresh answers with what was read after it was asked: a reading that is under way
// may have begun before something that the caller must know of. All who come
// meanwhile share the next.
type fresh[V any] struct {
	mu   sync.Mutex
	last map[string]*reading[V] // of a key: the one that waits, else the one under way
}

type reading[V any] struct {
	begun bool
	done  chan struct{}
	value V
	err   error
}

func (f *fresh[V]) get(ctx context.Context, key string, ask func(context.Context) (V, error)) (V, error) {
	f.mu.Lock()
	r := f.last[key]
	if r == nil || r.begun {
		before := r
		r = &reading[V]{done: make(chan struct{})}
		if f.last == nil {
			f.last = map[string]*reading[V]{}
		}
		f.last[key] = r
		go f.read(context.WithoutCancel(ctx), key, r, before, ask) // not with this caller's end
	}
	f.mu.Unlock()
	select {
	case <-r.done:
		return r.value, r.err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

// read reads, once the reading before has ended.
func (f *fresh[V]) read(ctx context.Context, key string, r, before *reading[V], ask func(context.Context) (V, error)) {
	if before != nil {
		<-before.done
	}
	f.mu.Lock()
	r.begun = true
	f.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, doWithin)
	defer cancel()
	r.value, r.err = ask(ctx)
	f.mu.Lock()
	if f.last[key] == r {
		delete(f.last, key)
	}
	f.mu.Unlock()
	close(r.done)
}
