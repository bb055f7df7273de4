package session

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

func TestWhoAsksIsToldWhatWasReadSince(t *testing.T) {
	const callers, each = 32, 500
	var f fresh[int64]
	var now, asked, under atomic.Int64
	ask := func(context.Context) (int64, error) {
		asked.Add(1)
		if under.Add(1) > 1 {
			t.Error("two readings of one key are under way")
		}
		defer under.Add(-1)
		read := now.Load()
		for range 10 { // the answer is on its way
			runtime.Gosched()
		}
		return read, nil
	}
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range each {
				since := now.Add(1)
				if got, err := f.get(t.Context(), "key", ask); got < since || err != nil {
					t.Errorf("asked at %d, told what was read at %d, %v", since, got, err)
					return
				}
			}
		})
	}
	all.Wait()
	if n := asked.Load(); n >= callers*each/2 {
		t.Errorf("%d readings for %d who asked: they aren't shared", n, callers*each)
	}
	if len(f.last) > 0 {
		t.Errorf("%d readings are kept", len(f.last))
	}
}

func TestWhoLeavesTakesTheReadingFromNobody(t *testing.T) {
	var f fresh[int]
	begun, answer := make(chan struct{}), make(chan struct{})
	ask := func(ctx context.Context) (int, error) {
		close(begun)
		<-answer
		return 7, ctx.Err()
	}
	impatient, cancel := context.WithCancel(t.Context())
	var left, all sync.WaitGroup
	left.Go(func() {
		if _, err := f.get(impatient, "key", ask); !errors.Is(err, context.Canceled) {
			t.Errorf("who has left: %v", err)
		}
	})
	<-begun
	all.Go(func() {
		again := func(ctx context.Context) (int, error) { return 8, ctx.Err() }
		if got, err := f.get(t.Context(), "key", again); got != 8 || err != nil {
			t.Errorf("who came since: %d, %v", got, err)
		}
	})
	cancel()
	left.Wait()
	close(answer)
	all.Wait()
}
