package shortener_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"designkits/cases/shortener"
	"designkits/shared/testenv"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestAThousandMissesOnOneCodeAreOneRead(t *testing.T) {
	r := startResolving(t, newPlace(t), shortener.ResolverConfig{})
	l := r.claim(t)
	letGo := r.store.holding()
	defer letGo()
	const callers = 1000
	var asking sync.WaitGroup
	var right atomic.Int64
	for range callers {
		asking.Go(func() {
			if got, err := r.Resolve(t.Context(), l.Code); err == nil && got.Target == l.Target {
				right.Add(1)
			}
		})
	}
	testenv.Eventually(t, 20*time.Second, "all wait for one read", func() bool {
		return r.store.reads.Load() == 1 && r.Figures().Coalesced == callers-1
	})
	letGo()
	asking.Wait()
	if reads := r.store.reads.Load(); reads != 1 || right.Load() != callers {
		t.Errorf("%d reads, %d right answers", reads, right.Load())
	}
}

func TestTheFirstCallerGoingAwayLeavesTheOthersTheirAnswer(t *testing.T) {
	r := startResolving(t, newPlace(t), shortener.ResolverConfig{})
	l := r.claim(t)
	letGo := r.store.holding()
	defer letGo()
	ctx, cancel := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { _, err := r.Resolve(ctx, l.Code); first <- err }()
	testenv.Eventually(t, 20*time.Second, "the first reads", func() bool { return r.store.reads.Load() == 1 })
	go func() { _, err := r.Resolve(t.Context(), l.Code); second <- err }()
	testenv.Eventually(t, 20*time.Second, "the second waits", func() bool { return r.Figures().Coalesced == 1 })
	cancel()
	letGo()
	if err := errors.Join(<-first, <-second); err != nil {
		t.Error(err)
	}
	if reads := r.store.reads.Load(); reads != 1 {
		t.Errorf("%d reads", reads)
	}
}

func TestALaterCallerGoingAwayDoesntWaitForTheRead(t *testing.T) {
	r := startResolving(t, newPlace(t), shortener.ResolverConfig{})
	l := r.claim(t)
	letGo := r.store.holding()
	defer letGo()
	first := make(chan error, 1)
	go func() { _, err := r.Resolve(t.Context(), l.Code); first <- err }()
	testenv.Eventually(t, 20*time.Second, "the first reads", func() bool { return r.store.reads.Load() == 1 })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Resolve(ctx, l.Code); !errors.Is(err, context.Canceled) {
		t.Errorf("the second: %v", err)
	}
	letGo()
	if err := <-first; err != nil {
		t.Errorf("the first: %v", err)
	}
}

// A read that has seen the older version comes back after the change was
// announced: neither its waiters nor anybody later may get what it has read.
func TestAReadThatAChangeOvertakesIsNotKept(t *testing.T) {
	for name, c := range map[string]struct {
		exists bool
		change func(t *testing.T, r *resolving, l shortener.Link) shortener.Entry
		want   string
	}{
		"updated": {true, func(t *testing.T, r *resolving, l shortener.Link) shortener.Entry {
			return shortener.Entry{Link: r.retarget(t, l.Code, "https://example.com/2")}
		}, "https://example.com/2"},
		"deleted": {true, func(t *testing.T, r *resolving, l shortener.Link) shortener.Entry {
			if _, err := r.store.Delete(t.Context(), l.Code, func(shortener.Link) error { return nil }); err != nil {
				t.Fatal(err)
			}
			return shortener.Entry{Link: shortener.Link{Code: l.Code, Version: l.Version + 1}, Missing: true}
		}, "unknown"},
		"claimed": {false, func(t *testing.T, r *resolving, l shortener.Link) shortener.Entry {
			if err := r.store.Claim(t.Context(), l); err != nil {
				t.Fatal(err)
			}
			return shortener.Entry{Link: l}
		}, "https://example.com/1"},
	} {
		t.Run(name, func(t *testing.T) {
			r := startResolving(t, newPlace(t), shortener.ResolverConfig{})
			l := r.claim(t)
			if !c.exists {
				l.Code += "-other"
			}
			letGo := r.store.holding()
			defer letGo()
			waiter := make(chan string, 1)
			go func() { waiter <- r.leads(t, l.Code) }()
			testenv.Eventually(t, 20*time.Second, "the old version is read", func() bool { return r.store.reads.Load() == 1 })
			r.Apply(c.change(t, r, l))
			letGo()
			if got := <-waiter; got != c.want {
				t.Errorf("who waited for the read got %s, want %s", got, c.want)
			}
			if got := r.leads(t, l.Code); got != c.want {
				t.Errorf("afterwards it leads to %s, want %s", got, c.want)
			}
			if reads := r.store.reads.Load(); reads != 1 {
				t.Errorf("%d reads", reads)
			}
		})
	}
}

func TestAppliedInAnyOrderTheHighestVersionWins(t *testing.T) {
	r := startResolving(t, newPlace(t), shortener.ResolverConfig{})
	tests := 0
	rapid.Check(t, func(t *rapid.T) {
		tests++
		code := shortener.Code(fmt.Sprintf("order-%d", tests))
		highest := shortener.Entry{}
		for _, version := range rapid.SliceOfN(rapid.Int64Range(1, 20), 1, 30).Draw(t, "versions") {
			e := shortener.Entry{Link: shortener.Link{Code: code, Version: version, Target: fmt.Sprint(version)}, Missing: version%4 == 0}
			r.Apply(e)
			if version >= highest.Link.Version {
				highest = e
			}
		}
		l, err := r.Resolve(context.Background(), code)
		if highest.Missing != errors.Is(err, shortener.ErrNotFound) || err == nil && l != highest.Link {
			t.Fatalf("%+v, %v; want %+v", l, err, highest)
		}
	})
	if reads := r.store.reads.Load(); reads != 0 {
		t.Errorf("%d reads of what was announced", reads)
	}
}

func TestUnknownCodesAreRememberedUntilTheyAreClaimed(t *testing.T) {
	at := newPlace(t)
	one, two := startResolving(t, at, shortener.ResolverConfig{}), startResolving(t, at, shortener.ResolverConfig{MissingHeldFor: time.Hour})
	l := one.claim(t)
	l.Code += "-other"
	for range 10 {
		if got := two.leads(t, l.Code); got != "unknown" {
			t.Fatal(got)
		}
	}
	if reads := two.store.reads.Load(); reads != 1 {
		t.Errorf("%d reads", reads)
	}
	if err := one.store.Claim(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if err := one.cache.Fill(t.Context(), shortener.Entry{Link: l}, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := one.changes.Announce(t.Context(), shortener.Entry{Link: l}); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 20*time.Second, "the claim is seen", func() bool { return two.leads(t, l.Code) == l.Target })
}

func TestWhatOneReplicaHasReadTheOthersNeedNot(t *testing.T) {
	at := newPlace(t)
	one, two := startResolving(t, at, shortener.ResolverConfig{}), startResolving(t, at, shortener.ResolverConfig{})
	l := one.claim(t)
	one.leads(t, l.Code)
	testenv.Eventually(t, 20*time.Second, "the shared cache is filled", func() bool {
		_, found, err := one.cache.Get(t.Context(), l.Code)
		return err == nil && found
	})
	if got := two.leads(t, l.Code); got != l.Target {
		t.Error(got)
	}
	if reads := two.store.reads.Load(); reads != 0 {
		t.Errorf("%d reads", reads)
	}
}

// Whoever makes a link tries it at the process that made it. The others read it from
// the store, and only then is it in the shared cache.
func TestANewLinkIsSharedOnceAnotherReplicaIsAsked(t *testing.T) {
	at := newPlace(t)
	maker, other := startResolving(t, at, shortener.ResolverConfig{}), startResolving(t, at, shortener.ResolverConfig{})
	l := maker.claim(t)
	shortener.NewPublisher(maker.Resolver, maker.cache, maker.changes, 1).Prime(l)
	if got := maker.leads(t, l.Code); got != l.Target || maker.store.reads.Load() != 0 {
		t.Errorf("the maker: %s, after %d reads", got, maker.store.reads.Load())
	}
	if _, found, err := maker.cache.Get(t.Context(), l.Code); err != nil || found {
		t.Errorf("in the shared cache before anybody asked for it: %t, %v", found, err)
	}
	if got := other.leads(t, l.Code); got != l.Target || other.store.reads.Load() != 1 {
		t.Errorf("the other: %s, after %d reads", got, other.store.reads.Load())
	}
	testenv.Eventually(t, 20*time.Second, "the shared cache is filled", func() bool {
		_, found, err := other.cache.Get(t.Context(), l.Code)
		return err == nil && found
	})
}

func TestWithoutChangesNothingIsTrustedForLong(t *testing.T) {
	r := startResolving(t, newPlace(t), shortener.ResolverConfig{})
	l := r.claim(t)
	r.leads(t, l.Code)
	r.changes.unsteady.Store(true)
	r.redis.Cut()
	testenv.Eventually(t, 20*time.Second, "the connection is missed", func() bool { return !r.changes.Live() })
	r.retarget(t, l.Code, "https://example.com/2") // and nobody can be told
	testenv.Eventually(t, 20*time.Second, "the change is seen", func() bool { return r.leads(t, l.Code) == "https://example.com/2" })
}

func TestWithoutAnyStoreWhatIsHeldIsServed(t *testing.T) {
	clock := newTestClock()
	r := startResolving(t, newPlace(t), shortener.ResolverConfig{Elapsed: clock.elapsed, ReadWithin: 20 * time.Second})
	l := r.claim(t)
	r.leads(t, l.Code)
	r.changes.unsteady.Store(true)
	r.redis.Cut()
	r.db.Cut()
	testenv.Eventually(t, 20*time.Second, "the connection is missed", func() bool { return !r.changes.Live() })
	clock.add(time.Minute)
	if got := r.leads(t, l.Code); got != l.Target || r.Figures().Stale == 0 {
		t.Errorf("without stores it leads to %s; %+v", got, r.Figures())
	}
	if _, err := r.Resolve(t.Context(), l.Code+"-x"); err == nil || errors.Is(err, shortener.ErrNotFound) {
		t.Errorf("a code that isn't held: %v, but it can't be known whether it exists", err)
	}
	if err := r.db.Mend(); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, time.Minute, "the store answers again", func() bool {
		_, err := r.Resolve(t.Context(), l.Code+"-x")
		return errors.Is(err, shortener.ErrNotFound)
	})
}

func TestDistrustMakesEverythingBeReadAgain(t *testing.T) {
	r := startResolving(t, newPlace(t), shortener.ResolverConfig{})
	l := r.claim(t)
	r.leads(t, l.Code)
	testenv.Eventually(t, 20*time.Second, "the shared cache is filled", func() bool {
		_, found, err := r.cache.Get(t.Context(), l.Code)
		return err == nil && found
	})
	changed := r.retarget(t, l.Code, "https://example.com/2")
	if err := r.cache.Fill(t.Context(), shortener.Entry{Link: changed}, time.Minute); err != nil {
		t.Fatal(err)
	}
	if got := r.leads(t, l.Code); got != l.Target {
		t.Fatalf("it is read again each time: %s", got)
	}
	r.Distrust()
	if got := r.leads(t, l.Code); got != changed.Target {
		t.Errorf("it leads to %s", got)
	}
}

// What was read before the clock was put back is not of the future by that.
func TestAClockThatGoesBackMakesNothingFresh(t *testing.T) {
	clock := newTestClock()
	r := startResolving(t, newPlace(t), shortener.ResolverConfig{Clock: clock.now})
	l := r.claim(t)
	r.leads(t, l.Code)
	clock.add(-time.Hour)
	r.changes.unsteady.Store(true)
	r.redis.Cut()
	testenv.Eventually(t, 20*time.Second, "the connection is missed", func() bool { return !r.changes.Live() })
	r.retarget(t, l.Code, "https://example.com/2") // and nobody can be told
	testenv.Eventually(t, 20*time.Second, "the change is seen", func() bool { return r.leads(t, l.Code) == "https://example.com/2" })
	r.retarget(t, l.Code, "https://example.com/3")
	r.Distrust()
	if got := r.leads(t, l.Code); got != "https://example.com/3" {
		t.Errorf("after the loss of all that was learned it leads to %s", got)
	}
}

func TestASharedCacheThatHasGoneBackIsNotBelieved(t *testing.T) {
	at := newPlace(t)
	r := startResolving(t, at, shortener.ResolverConfig{})
	old := r.claim(t)
	if err := r.cache.Fill(t.Context(), shortener.Entry{Link: old}, time.Minute); err != nil {
		t.Fatal(err)
	}
	r.Apply(shortener.Entry{Link: r.retarget(t, old.Code, "https://example.com/2")})
	r.Distrust()
	if got := r.leads(t, old.Code); got != "https://example.com/2" {
		t.Errorf("it leads to %s", got)
	}
}

func TestWhatIsHeldEnds(t *testing.T) {
	clock := newTestClock()
	r := startResolving(t, newPlace(t), shortener.ResolverConfig{Elapsed: clock.elapsed, HeldFor: time.Minute})
	l := r.claim(t)
	r.leads(t, l.Code)
	testenv.Eventually(t, 20*time.Second, "the shared cache is filled", func() bool {
		_, found, err := r.cache.Get(t.Context(), l.Code)
		return err == nil && found
	})
	clock.add(50 * time.Second)
	r.leads(t, l.Code)
	if f := r.Figures(); f.SharedHits != 0 {
		t.Fatalf("it was read again before its time: %+v", f)
	}
	clock.add(10 * time.Second)
	r.leads(t, l.Code)
	if f := r.Figures(); f.SharedHits != 1 {
		t.Errorf("it was not read again after its time: %+v", f)
	}
}

func TestWhatIsHeldIsBounded(t *testing.T) {
	const memory = 1 << 20
	r := startResolving(t, newPlace(t), shortener.ResolverConfig{Memory: memory})
	for i := range 20_000 {
		r.Apply(shortener.Entry{Link: shortener.Link{Code: shortener.Code(fmt.Sprintf("many-%d", i)), Target: "https://example.com/", Version: 1}})
	}
	testenv.Eventually(t, 20*time.Second, "the cache is within its bound", func() bool { return r.Figures().Held <= memory/300 })
	if held := r.Figures().Held; held < memory/300/4 {
		t.Errorf("only %d entries are held", held)
	}
}

func TestReadingsAreBounded(t *testing.T) {
	r := startResolving(t, newPlace(t), shortener.ResolverConfig{Readings: 2})
	l := r.claim(t)
	letGo := r.store.holding()
	defer letGo()
	answers := make(chan error, 2)
	for i := range 2 {
		go func() { _, err := r.Resolve(t.Context(), l.Code+shortener.Code(fmt.Sprint(i))); answers <- err }()
	}
	testenv.Eventually(t, 20*time.Second, "two are read", func() bool { return r.store.reads.Load() == 2 })
	if _, err := r.Resolve(t.Context(), l.Code); !errors.Is(err, shortener.ErrBusy) {
		t.Errorf("a third: %v", err)
	}
	letGo()
	for range 2 {
		if err := <-answers; !errors.Is(err, shortener.ErrNotFound) {
			t.Error(err)
		}
	}
	if got := r.leads(t, l.Code); got != l.Target {
		t.Errorf("afterwards: %s", got)
	}
}

func TestCloseEndsReadings(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("", func(t *testing.T) {
		r := startResolving(t, newPlace(t), shortener.ResolverConfig{})
		l := r.claim(t)
		defer r.store.holding()()
		answer := make(chan error, 1)
		go func() { _, err := r.Resolve(t.Context(), l.Code); answer <- err }()
		testenv.Eventually(t, 20*time.Second, "it is read", func() bool { return r.store.reads.Load() == 1 })
		r.Close()
		if err := <-answer; !errors.Is(err, context.Canceled) {
			t.Errorf("who waited got %v", err)
		}
		if _, err := r.Resolve(t.Context(), l.Code); !errors.Is(err, shortener.ErrBusy) {
			t.Errorf("after Close: %v", err)
		}
	})
	goleak.VerifyNone(t, before)
}
