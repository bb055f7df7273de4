package provider

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"designkits/cases/tickets/payments"
)

// A provider that can't write its journal tells nobody anything more, and ends.
func TestWithoutItsJournalTheProviderEnds(t *testing.T) {
	cfg := Config{
		Journal: filepath.Join(t.TempDir(), "journal"), Key: "k", Draining: make(chan struct{}),
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	p, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- p.Run(t.Context()) }()
	add := func(id string) error {
		return p.change(t.Context(), func(l *ledger) (entry, error) {
			return entry{Payment: &held{Payment: payments.Payment{ID: id, Status: payments.Authorised, Version: 1}}}, nil
		})
	}
	if err := add("before"); err != nil {
		t.Fatal(err)
	}
	if err := p.journal.file.Close(); err != nil { // as good as a full disk
		t.Fatal(err)
	}
	if err := add("lost"); err == nil {
		t.Error("what isn't on disk was answered for")
	}
	err = p.change(t.Context(), func(l *ledger) (entry, error) { return entry{}, nil })
	if err == nil {
		t.Error("a look that may see what isn't on disk was answered")
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "journal") {
		t.Errorf("it ended with %v", err)
	}
	if err := p.Close(); err == nil {
		t.Error("closing says nothing of it")
	}
	j, l, err := openJournal(cfg.Journal, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	if _, ok := l.payments["before"]; !ok || len(l.payments) != 1 {
		t.Errorf("what it has kept is %v", l.payments)
	}
}

// Half of the requests take less than Latency, and one in a hundred more than Latency99.
func TestLatencyIsDistributedAsAsked(t *testing.T) {
	b := Behaviour{Latency: Duration(50 * time.Millisecond), Latency99: Duration(400 * time.Millisecond)}
	const n = 100_000
	var below, above float64
	for range n {
		took := Duration(b.sampleLatency())
		if took < b.Latency {
			below++
		}
		if took > b.Latency99 {
			above++
		}
	}
	if below /= n; below < 0.48 || below > 0.52 { // 12 standard deviations
		t.Errorf("%.3f of them are below the median", below)
	}
	if above /= n; above < 0.0065 || above > 0.0135 { // 11
		t.Errorf("%.4f of them are above the 99th percentile", above)
	}
	if (Behaviour{}).sampleLatency() != 0 {
		t.Error("without latency there is some")
	}
}

func TestPausesDoubleToABound(t *testing.T) {
	for tries, full := range map[int]time.Duration{0: 200 * time.Millisecond, 1: 400 * time.Millisecond, 7: 25600 * time.Millisecond, 8: lastPause, 1000: lastPause} {
		for range 100 {
			if got := pause(tries); got > full || got <= full/2 {
				t.Fatalf("after %d tries it is %s, want up to %s and more than half of that", tries, got, full)
			}
		}
	}
}

// The schedule gives what is due, in order of time and then of adding, and ends
// with its context.
func TestAScheduleIsByTime(t *testing.T) {
	s, now := newSchedule[string](), time.Now()
	s.add(now.Add(50*time.Millisecond), "third")
	s.add(now, "first")
	s.add(now, "second")
	for _, want := range []string{"first", "second", "third"} {
		if got, err := s.next(t.Context()); err != nil || got != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	if took := time.Since(now); took < 50*time.Millisecond {
		t.Errorf("the third came after %s", took)
	}
	s.add(now.Add(time.Hour), "much later")
	got := make(chan string, 1)
	go func() {
		item, _ := s.next(t.Context()) // what it is is compared below
		got <- item
	}()
	s.add(now, "sooner") // wakes it up
	if item := <-got; item != "sooner" {
		t.Errorf("%q", item)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if item, err := s.next(ctx); err == nil {
		t.Errorf("%q after the end", item)
	}
}
