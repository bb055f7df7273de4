package gather_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"designkits/shared/gather"
	"designkits/shared/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// What comes while a batch is under way goes together, in order.
func TestWhatWaitsGoesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var batches [][]int
		arrive := make(chan struct{})
		g := gather.New(gather.Config[int]{Max: 3, Send: func(_ context.Context, batch []int) error {
			batches = append(batches, batch)
			<-arrive
			return nil
		}})
		defer g.Close()
		var callers sync.WaitGroup
		for n := range 6 {
			callers.Go(func() {
				if err := g.Do(t.Context(), n); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		close(arrive) // all others wait by now
		callers.Wait()
		if want := [][]int{{0}, {1, 2, 3}, {4, 5}}; !slices.EqualFunc(batches, want, slices.Equal[[]int]) {
			t.Errorf("%v, want %v", batches, want)
		}
	})
}

// Whom one answer wakes goes together, also where lanes are free: the first of them
// doesn't leave alone.
func TestWhoIsWokenTogetherGoesTogether(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // or it hangs on which cores are idle
	var batches atomic.Int64
	g := gather.New(gather.Config[int]{Lanes: 8, Send: func(context.Context, []int) error {
		batches.Add(1)
		return nil
	}})
	defer g.Close()
	answer := make(chan struct{})
	const callers = 40
	var waiting, done sync.WaitGroup
	waiting.Add(callers)
	for n := range callers {
		done.Go(func() {
			waiting.Done()
			<-answer
			if err := g.Do(t.Context(), n); err != nil {
				t.Error(err)
			}
		})
	}
	waiting.Wait()
	close(answer)
	done.Wait()
	if n := batches.Load(); n > 8 {
		t.Errorf("%d callers went in %d batches", callers, n)
	}
}

// With a pace a lone call goes at once, and what comes soon after it waits for the rest.
func TestBatchesKeepTheirPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const every = 5 * time.Millisecond
		began := time.Now()
		type sent struct {
			at    time.Duration
			batch int
		}
		var got []sent
		g := gather.New(gather.Config[int]{Every: every, Send: func(_ context.Context, batch []int) error {
			got = append(got, sent{time.Since(began), len(batch)})
			<-time.After(time.Millisecond)
			return nil
		}})
		defer g.Close()
		var callers sync.WaitGroup
		call := func(at time.Duration) {
			callers.Go(func() {
				<-time.After(at)
				if err := g.Do(t.Context(), 1); err != nil {
					t.Error(err)
				}
			})
		}
		for at := range 5 * time.Millisecond / time.Millisecond {
			call(at * time.Millisecond)
		}
		call(20 * time.Millisecond)
		callers.Wait()
		if want := []sent{{0, 1}, {every, 4}, {20 * time.Millisecond, 1}}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

// Who waits for the next batch while the Gatherer is closed is told.
func TestCloseEndsARest(t *testing.T) {
	g := gather.New(gather.Config[int]{Every: time.Hour, Send: func(context.Context, []int) error { return nil }})
	if err := g.Do(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	g.Close()
	if err := g.Do(t.Context(), 1); !errors.Is(err, gather.ErrClosed) {
		t.Error(err)
	}
}

// Who begins two items has both on their way before waiting for either, in any order;
// giving up on one leaves the other.
func TestBegunItemsAreUnderWayTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		arrive := make(chan struct{})
		var sent atomic.Int32
		g := gather.New(gather.Config[error]{Lanes: 2, Max: 1, Send: func(ctx context.Context, batch []error) error {
			sent.Add(1)
			select {
			case <-arrive:
				return batch[0]
			case <-ctx.Done():
				return ctx.Err()
			}
		}})
		defer g.Close()
		broken := errors.New("broken")
		first, second := g.Begin(t.Context(), nil), g.Begin(t.Context(), broken)
		impatient, giveUp := context.WithCancel(t.Context())
		third := g.Begin(impatient, nil)
		synctest.Wait()
		if n := sent.Load(); n != 2 {
			t.Errorf("%d under way before anybody waits, want one in each lane", n)
		}
		giveUp()
		if err := third(); !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up was told %v", err)
		}
		close(arrive)
		if err := second(); !errors.Is(err, broken) {
			t.Errorf("the second was told %v, want its own error", err)
		}
		if err := first(); err != nil {
			t.Errorf("the first was told %v", err)
		}
	})
}

func TestTheErrorIsEveryones(t *testing.T) {
	broken := errors.New("broken")
	g := gather.New(gather.Config[int]{Send: func(context.Context, []int) error { return broken }})
	defer g.Close()
	for range 3 {
		if err := g.Do(t.Context(), 1); !errors.Is(err, broken) {
			t.Error(err)
		}
	}
}

// A caller that gives up returns at once; the batch goes on for the others and
// ends with the last of them.
func TestACallEndsWithItsContextAndTheBatchWithTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hasty = 500 * time.Millisecond
		gaveUp := make(chan struct{})
		g := gather.New(gather.Config[string]{Send: func(ctx context.Context, batch []string) error {
			if batch[0] == "first" {
				<-gaveUp
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}})
		defer g.Close()
		var callers sync.WaitGroup
		callers.Go(func() { _ = g.Do(t.Context(), "first") })
		synctest.Wait()
		began := time.Now()
		for _, within := range []time.Duration{3 * time.Second, 5 * time.Second, hasty} {
			callers.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), within)
				defer cancel()
				if err := g.Do(ctx, "second"); !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				if took := time.Since(began); took != within {
					t.Errorf("%v, want %v", took, within)
				}
				if within == hasty { // it has waited behind the first batch all the time
					close(gaveUp)
				}
			})
		}
		callers.Wait()
		g.Close()
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("the batch ended after %v", took)
		}
	})
}

// A batch ends with the last who gives up on it, however late it might be.
func TestABatchEndsWhenAllHaveGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended time.Time
		behind := make(chan struct{})
		g := gather.New(gather.Config[int]{Within: time.Minute, Send: func(ctx context.Context, batch []int) error {
			if batch[0] == 0 {
				<-behind
				return nil
			}
			<-ctx.Done()
			ended = time.Now()
			return ctx.Err()
		}})
		var callers sync.WaitGroup
		callers.Go(func() { _ = g.Do(t.Context(), 0) })
		synctest.Wait()
		began := time.Now()
		for _, after := range []time.Duration{time.Second, 3 * time.Second, 2 * time.Second} {
			ctx, giveUp := context.WithCancel(t.Context())
			time.AfterFunc(after, giveUp)
			callers.Go(func() {
				if err := g.Do(ctx, 1); !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(behind)
		callers.Wait()
		g.Close()
		if took := ended.Sub(began); took != 3*time.Second {
			t.Errorf("the batch ended after %v, when the last has given up after 3s", took)
		}
	})
}

// What nobody waits for any more when it comes isn't sent.
func TestAnEndedContextSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gather.New(gather.Config[int]{Send: func(context.Context, []int) error {
			t.Error("it was sent")
			return nil
		}})
		defer g.Close()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := g.Do(ctx, 1); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// Whoever gives up behind a batch that is under way isn't sent, nor is a batch of none.
func TestWhoHasGoneIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []string
		arrive := make(chan struct{})
		g := gather.New(gather.Config[string]{Max: 2, Send: func(_ context.Context, batch []string) error {
			sent = append(sent, batch...)
			<-arrive
			return nil
		}})
		defer g.Close()
		var callers sync.WaitGroup
		call := func(item string, within time.Duration) {
			callers.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), within)
				defer cancel()
				if err := g.Do(ctx, item); errors.Is(err, context.DeadlineExceeded) != (within == time.Second) {
					t.Errorf("%s: %v", item, err)
				}
			})
			synctest.Wait()
		}
		call("first", time.Hour)
		call("gone", time.Second)
		call("gone", time.Second) // these are a batch
		call("gone", time.Second)
		call("last", time.Hour)
		<-time.After(2 * time.Second)
		close(arrive)
		callers.Wait()
		if want := []string{"first", "last"}; !slices.Equal(sent, want) {
			t.Errorf("%v, want %v", sent, want)
		}
	})
}

// Who waits when the Gatherer is closed is told, and what is under way comes back.
func TestCloseTellsWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		arrive := make(chan struct{})
		g := gather.New(gather.Config[int]{Send: func(context.Context, []int) error { <-arrive; return nil }})
		var callers sync.WaitGroup
		for n := range 2 {
			callers.Go(func() {
				if err := g.Do(t.Context(), n); errors.Is(err, gather.ErrClosed) != (n == 1) {
					t.Errorf("call %d: %v", n, err)
				}
			})
			synctest.Wait()
		}
		callers.Go(g.Close)
		synctest.Wait()
		close(arrive)
		callers.Wait()
	})
}

func TestAfterCloseNothingIsSent(t *testing.T) {
	g := gather.New(gather.Config[int]{Send: func(context.Context, []int) error { return nil }})
	g.Close()
	g.Close()
	if err := g.Do(t.Context(), 1); !errors.Is(err, gather.ErrClosed) {
		t.Error(err)
	}
}

// Each item of many callers on many lanes is sent once.
func TestEachIsSentOnce(t *testing.T) {
	var seen sync.Map
	var sent atomic.Int64
	g := gather.New(gather.Config[int]{Lanes: 4, Send: func(_ context.Context, batch []int) error {
		for _, n := range batch {
			if _, again := seen.LoadOrStore(n, true); again {
				t.Errorf("%d was sent twice", n)
			}
		}
		sent.Add(int64(len(batch)))
		return nil
	}})
	defer g.Close()
	var callers sync.WaitGroup
	for from := range 50 {
		callers.Go(func() {
			for n := from * 100; n < from*100+100; n++ {
				if err := g.Do(t.Context(), n); err != nil {
					t.Error(err)
				}
			}
		})
	}
	callers.Wait()
	if sent.Load() != 5000 {
		t.Errorf("%d of 5000", sent.Load())
	}
}
