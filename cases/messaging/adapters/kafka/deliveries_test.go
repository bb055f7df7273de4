package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/fanout"
	"designkits/shared/testenv"
)

// A listener is a gateway that hears deliveries.
type listener struct {
	mu    sync.Mutex
	heard []messaging.Seq
	to    []messaging.Address
	end   func()
}

func (l *listener) all() []messaging.Seq {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]messaging.Seq(nil), l.heard...)
}

func (l *listener) named() []messaging.Address {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.to)
}

func listen(t *testing.T, d *Deliveries, gateway string) *listener {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l, ready, done := &listener{}, make(chan struct{}), make(chan error, 1)
	go func() { // ends with ctx
		done <- d.Follow(ctx, gateway, slog.New(slog.DiscardHandler), func() { close(ready) }, func(batch []fanout.Delivery) {
			l.mu.Lock()
			defer l.mu.Unlock()
			for _, a := range batch {
				l.heard, l.to = append(l.heard, a.Seq), append(l.to, a.To...)
			}
		})
	}()
	l.end = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(l.end)
	select {
	case <-ready:
	case <-time.After(time.Minute):
		t.Fatal("the gateway isn't there within a minute")
	}
	return l
}

func TestAGatewayHearsWhatComesFromNowOnInOrder(t *testing.T) {
	d, err := NewDeliveries(config(t))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close(context.Background())
	deliver := func(gateway string, seqs ...messaging.Seq) {
		t.Helper()
		var batch []fanout.Delivery
		for _, seq := range seqs {
			// Sixty of them are more than a batch of records holds.
			batch = append(batch, fanout.Delivery{Conversation: "c0123456789abcdef", Seq: seq, To: []messaging.Address{{User: "u0000000000000000", Device: 1}}, Frame: []byte(strings.Repeat("x", 40<<10))})
		}
		if err := d.Deliver(t.Context(), gateway, batch); err != nil {
			t.Fatal(err)
		}
	}
	deliver("one", 1, 2, 3) // before it is there
	one, two := listen(t, d, "one"), listen(t, d, "two")
	var many []messaging.Seq
	for seq := messaging.Seq(4); seq < 64; seq++ {
		many = append(many, seq)
	}
	deliver("one", many...)
	deliver("two", 100)
	deliver("one", 64)
	testenv.Eventually(t, time.Minute, "both have heard theirs", func() bool { return len(one.all()) >= 61 && len(two.all()) >= 1 })
	for i, seq := range one.all() {
		if seq != messaging.Seq(i+4) {
			t.Fatalf("gateway one heard %v, want 4 to 64", one.all())
		}
	}
	if got := two.all(); len(got) != 1 || got[0] != 100 {
		t.Errorf("gateway two heard %v, want 100", got)
	}
	one.end()
	deliver("one", 65) // while it is away
	back := listen(t, d, "one")
	deliver("one", 66)
	testenv.Eventually(t, time.Minute, "it hears again", func() bool { return len(back.all()) > 0 })
	if got := back.all(); len(got) != 1 || got[0] != 66 {
		t.Errorf("a gateway that has come back heard %v, want 66 alone", got)
	}
}

// A notice to more devices than a record has room for reaches all of them.
func TestADeliveryToManyIsSeveralRecords(t *testing.T) {
	d, err := NewDeliveries(config(t))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close(context.Background())
	to := make([]messaging.Address, 3*maxTo+1)
	for i := range to {
		to[i] = messaging.Address{User: messaging.UserID(fmt.Sprintf("u%016d", i)), Device: 1}
	}
	one := listen(t, d, "one")
	if err := d.Deliver(t.Context(), "one", []fanout.Delivery{{Conversation: "c0123456789abcdef", Seq: 1, To: to, Frame: []byte("a notice")}}); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, time.Minute, "all are named", func() bool { return len(one.named()) >= len(to) })
	if got := one.named(); !slices.Equal(got, to) {
		t.Errorf("%d devices are named, and not the %d in their order", len(got), len(to))
	}
}
