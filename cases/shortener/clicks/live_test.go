package clicks

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"designkits/cases/shortener"
)

func increments(code shortener.Code, minute time.Time, n int) (batch []Positioned) {
	for i := range n {
		batch = append(batch,
			Positioned{Increment: Increment{code, minute, Total, "", Counts{Clicks: 1}}},
			Positioned{Increment: Increment{code, minute, Referrer, fmt.Sprintf("host%d", i%2), Counts{Clicks: 1}}})
	}
	return batch
}

func TestAWatcherGetsItsLinkMergedByMinute(t *testing.T) {
	live, minute := NewLive(), time.Now().Truncate(time.Minute)
	w, err := live.Watch("mine")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	live.Publish(increments("mine", minute, 4))
	live.Publish(increments("other", minute, 4))
	live.Publish(increments("mine", minute.Add(time.Minute), 2))
	updates, complete := w.Take()
	if len(updates) != 2 || !complete {
		t.Fatalf("%d updates, complete %v; want two minutes", len(updates), complete)
	}
	for _, u := range updates {
		want := int64(4)
		if u.Minute.After(minute) {
			want = 2
		}
		if u.Code != "mine" || u.Clicks != want || u.By[Referrer]["host0"].Clicks != want/2 || u.By[Total] != nil {
			t.Errorf("%+v, want %d clicks", u, want)
		}
	}
	if updates, _ := w.Take(); len(updates) != 0 {
		t.Errorf("%d updates come twice", len(updates))
	}
}

func TestAWatcherThatTakesNothingIsBoundedAndTold(t *testing.T) {
	live, minute := NewLive(), time.Now().Truncate(time.Minute)
	w, err := live.Watch("busy")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for i := range maxPending {
		live.Publish(increments("busy", minute.Add(time.Duration(i)*time.Minute), 1))
	}
	if updates, complete := w.Take(); len(updates) > maxPending || complete {
		t.Errorf("%d updates, complete %v; want it bounded and told", len(updates), complete)
	}
}

func TestOnlySoManyMayWatch(t *testing.T) {
	live := NewLive()
	var watchers []*Watcher
	for range maxWatchers {
		w, err := live.Watch("many")
		if err != nil {
			t.Fatal(err)
		}
		watchers = append(watchers, w)
	}
	if _, err := live.Watch("one more"); !errors.Is(err, ErrTooManyWatchers) {
		t.Errorf("one more: %v, want %v", err, ErrTooManyWatchers)
	}
	watchers[0].Close()
	watchers[0].Close() // twice is once
	if got := live.Watchers(); got != maxWatchers-1 {
		t.Errorf("%d watch, want %d", got, maxWatchers-1)
	}
	for _, w := range watchers {
		w.Close()
	}
	if len(live.watchers) != 0 {
		t.Errorf("%d links are still watched", len(live.watchers))
	}
}
