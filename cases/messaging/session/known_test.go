package session

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"designkits/cases/messaging"
)

func TestWhoAsksForTheSameAtTheSameTimeAsksOnce(t *testing.T) {
	m := memo[int]{lasts: time.Hour}
	var asked atomic.Int64
	answer := make(chan struct{})
	ask := func(context.Context) (int, error) {
		<-answer
		return int(asked.Add(1)), nil
	}
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	var all sync.WaitGroup
	for n := range 20 {
		ctx := t.Context()
		if n%2 == 1 {
			ctx = impatient
		}
		all.Go(func() {
			if got, err := m.get(ctx, "key", ask); ctx != impatient && (got != 1 || err != nil) {
				t.Errorf("%d, %v", got, err)
			} else if ctx == impatient && !errors.Is(err, context.Canceled) && got != 1 {
				t.Errorf("of who didn't wait: %d, %v", got, err)
			}
		})
	}
	close(answer)
	all.Wait()
	if got, err := m.get(t.Context(), "key", ask); got != 1 || err != nil {
		t.Errorf("later %d, %v", got, err)
	}
	m.lasts = 0
	if got, err := m.get(t.Context(), "another", ask); got != 2 || err != nil {
		t.Errorf("another key: %d, %v", got, err)
	}
	if got, err := m.get(t.Context(), "another", ask); got != 3 || err != nil {
		t.Errorf("when it is too old: %d, %v", got, err)
	}
}

func TestWhatCouldNotBeAskedIsNotRemembered(t *testing.T) {
	m := memo[int]{lasts: time.Hour}
	away := errors.New("the store is away")
	if _, err := m.get(t.Context(), "key", func(context.Context) (int, error) { return 0, away }); err != away {
		t.Errorf("%v", err)
	}
	if got, err := m.get(t.Context(), "key", func(context.Context) (int, error) { return 7, nil }); got != 7 || err != nil {
		t.Errorf("%d, %v", got, err)
	}
}

func TestWhatStaysIsRememberedForLonger(t *testing.T) {
	m := memo[bool]{stays: func(key string, value bool) bool { return value && key == "pair" }}
	asked := 0
	ask := func(value bool) func(context.Context) (bool, error) {
		return func(context.Context) (bool, error) { asked++; return value, nil }
	}
	for _, c := range []struct {
		key         string
		value, want bool
		asked       int
	}{{"pair", false, false, 1}, {"pair", true, true, 2}, {"pair", false, true, 2}, {"group", true, true, 3}, {"group", false, false, 4}} {
		if got, err := m.get(t.Context(), c.key, ask(c.value)); got != c.want || asked != c.asked || err != nil {
			t.Errorf("%+v: %v after asking %d times, %v", c, got, asked, err)
		}
	}
}

// What is told of an error is stable and says nothing of the stores.
func TestProblemsHaveWordsForDevices(t *testing.T) {
	for _, c := range []struct {
		err         error
		kind, field string
		again       bool
	}{
		{messaging.ErrNotMember, "not-member", "", false},
		{fmt.Errorf("look up: %w", messaging.ErrNotAllowed), "not-allowed", "", false},
		{&messaging.Invalid{Field: "seq", Reason: "no"}, "invalid", "seq", false},
		{&messaging.TooMany{Limit: "you are in enough"}, "too-many", "", false},
		{messaging.ErrBusy, "busy", "", true},
		{messaging.ErrNotOwner, "busy", "", true},
		{errTooOften, "too-often", "", true},
		{errors.New("cassandra: 10.1.2.3 doesn't answer"), "unavailable", "", true},
	} {
		got := problem("r", c.err)
		if got.Kind != c.kind || got.Field != c.field || got.Again != c.again || got.Ref != "r" || got.Detail == "" {
			t.Errorf("%v is told as %+v", c.err, got)
		}
		if c.kind == "unavailable" && got.Detail != problem("", errors.New("another")).Detail {
			t.Errorf("a store's words are told: %s", got.Detail)
		}
	}
	if got := problem("", &messaging.TooMany{Limit: "you are in enough"}); got.Detail != "you are in enough" {
		t.Errorf("a limit is told as %s", got.Detail)
	}
}
