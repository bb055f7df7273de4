// Package statstoretest is the contract of clicks.StatsStore as tests. Every
// adapter runs them against its real server. The heart of it is that sums stay
// exact while two consumers apply one log at the same time, overlap, are
// interrupted in the middle and begin again.
package statstoretest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/clicks"
)

// Open returns a store. Several are open at once, as in several processes, on
// the same data.
type Open func(t *testing.T) clicks.StatsStore

// Run runs the whole contract.
func Run(t *testing.T, open Open) {
	t.Run("sums are by granularity and dimension", func(t *testing.T) { sums(t, open) })
	t.Run("a range holds its beginning and not its end", func(t *testing.T) { ranges(t, open) })
	t.Run("an unknown code has no clicks", func(t *testing.T) { unknown(t, open) })
	t.Run("a batch that is applied again counts once", func(t *testing.T) { again(t, open) })
	t.Run("a consumer that was replaced changes nothing", func(t *testing.T) { zombie(t, open) })
	t.Run("sums are exact over two consumers that overlap and are interrupted", func(t *testing.T) { schedule(t, open) })
	t.Run("sources are counted apart", func(t *testing.T) { sources(t, open) })
	t.Run("a log out of order is refused", func(t *testing.T) { outOfOrder(t, open) })
	t.Run("what is forgotten stays forgotten", func(t *testing.T) { forget(t, open) })
	t.Run("the end of the context ends the call", func(t *testing.T) { contextEnds(t, open) })
	t.Run("control: the check sees a click too many and one too few", func(t *testing.T) { control(t, open) })
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func newCode() shortener.Code { return shortener.Code(fmt.Sprintf("code-%016x", rand.Uint64())) }

func newSource() string { return fmt.Sprintf("increments/%016x/0", rand.Uint64()) }

// noon is a day on which all tests but those about today happen.
var noon = time.Date(2026, time.March, 14, 12, 0, 0, 0, time.UTC)

// people is an increment of clicks by people.
func people(code shortener.Code, minute time.Time, d clicks.Dimension, value string, n int64) clicks.Increment {
	return clicks.Increment{Code: code, Minute: minute, Dimension: d, Value: value, Counts: clicks.Counts{Clicks: n}}
}

// log gives the increments their places in a source, with gaps such as
// transactions leave.
func log(source string, increments ...clicks.Increment) []clicks.Positioned {
	positioned := make([]clicks.Positioned, len(increments))
	for i, inc := range increments {
		positioned[i] = clicks.Positioned{Increment: inc, Position: clicks.Position{Source: source, Offset: int64(i + i/3)}}
	}
	return positioned
}

func apply(t *testing.T, store clicks.StatsStore, batch []clicks.Positioned) {
	t.Helper()
	if err := store.Apply(testContext(t), batch); err != nil {
		t.Fatalf("apply: %v", err)
	}
}

func read(t *testing.T, store clicks.StatsStore, code shortener.Code, from, to time.Time, g clicks.Granularity) clicks.Stats {
	t.Helper()
	stats, err := store.Stats(testContext(t), clicks.StatsQuery{Code: code, From: from, To: to, Granularity: g})
	if err != nil {
		t.Fatalf("stats of %s: %v", code, err)
	}
	return stats
}

func readAll(t *testing.T, store clicks.StatsStore, code shortener.Code) clicks.Stats {
	t.Helper()
	return read(t, store, code, noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0), clicks.Minute)
}

func contextEnds(t *testing.T, open Open) {
	store := open(t)
	code := newCode()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	batch := log(newSource(), people(code, noon, clicks.Total, "", 1))
	for name, call := range map[string]func() error{
		"Apply":  func() error { return store.Apply(ended, batch) },
		"Forget": func() error { return store.Forget(ended, code) },
		"Stats": func() error {
			_, err := store.Stats(ended, clicks.StatsQuery{Code: code, From: noon, To: noon.Add(time.Hour), Granularity: clicks.Minute})
			return err
		},
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s with an ended context: got %v, wanted context.Canceled", name, err)
		}
	}
}
