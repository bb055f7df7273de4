package shortener_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"designkits/cases/shortener"
)

var errRedis = errors.New("connection refused")

func fails(context.Context) error    { return errRedis }
func succeeds(context.Context) error { return nil }

func TestFiveFailuresInTenSecondsOpenTheBreaker(t *testing.T) {
	for name, c := range map[string]struct {
		failures int
		apart    time.Duration
		want     string
	}{
		"five at once":              {5, 0, "open"},
		"four at once":              {4, 0, "closed"},
		"five in eight seconds":     {5, 2 * time.Second, "open"},
		"ten, three seconds apart":  {10, 3 * time.Second, "closed"},
		"many, but few at one time": {100, 5 * time.Second, "closed"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := shortener.NewBreaker(shortener.BreakerConfig{})
				for i := range c.failures {
					if i > 0 {
						<-time.After(c.apart)
					}
					for range 20 { // what goes well in between doesn't hide them
						_ = b.Do(t.Context(), succeeds)
					}
					_ = b.Do(t.Context(), fails)
				}
				if state := b.State(); state != c.want {
					t.Errorf("%s, want %s", state, c.want)
				}
			})
		})
	}
}

func TestAnOpenBreakerCallsNobodyAndTriesAgainAfterThirtySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var changes []string
		b := shortener.NewBreaker(shortener.BreakerConfig{OnChange: func(from, to string) { changes = append(changes, from+" to "+to) }})
		for range 5 {
			if err := b.Do(t.Context(), fails); !errors.Is(err, errRedis) {
				t.Errorf("while closed: %v", err)
			}
		}
		called := false
		look := func(context.Context) error { called = true; return errRedis }
		<-time.After(29 * time.Second)
		if err := b.Do(t.Context(), look); !errors.Is(err, shortener.ErrCacheAway) || called {
			t.Errorf("after 29 s: %v, called %v", err, called)
		}
		<-time.After(1100 * time.Millisecond)
		if err := b.Do(t.Context(), look); !errors.Is(err, errRedis) || !called {
			t.Errorf("half-open: %v, called %v", err, called)
		}
		if err := b.Do(t.Context(), succeeds); !errors.Is(err, shortener.ErrCacheAway) {
			t.Errorf("after the try has failed: %v", err)
		}
		<-time.After(30100 * time.Millisecond)
		if err := b.Do(t.Context(), succeeds); err != nil || b.State() != "closed" {
			t.Errorf("the try went well: %v, %s", err, b.State())
		}
		if want := "[closed to open open to half-open half-open to open open to half-open half-open to closed]"; fmt.Sprint(changes) != want {
			t.Errorf("%v, want %s", changes, want)
		}
	})
}

func TestASlowCallIsAFailureAndOneThatIsGivenUpIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := shortener.NewBreaker(shortener.BreakerConfig{})
		slow := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for range 20 {
			_ = b.Do(gone, slow)
		}
		if state := b.State(); state != "closed" {
			t.Fatalf("callers who went away left it %s", state)
		}
		for range 5 {
			began := time.Now()
			if err := b.Do(t.Context(), slow); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 50*time.Millisecond {
				t.Errorf("%v after %s", err, time.Since(began))
			}
		}
		if state := b.State(); state != "open" {
			t.Errorf("five slow calls left it %s", state)
		}
	})
}
