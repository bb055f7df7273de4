package redis_test

import (
	"context"
	"log/slog"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/seatmap"
	"designkits/shared/fault/link"
	"designkits/shared/testenv"
)

func TestChangesAreHeardAndItIsToldWhenTheyMayBeLost(t *testing.T) {
	way, err := link.Open(testenv.Addr(t, "redis"))
	if err != nil {
		t.Fatal(err)
	}
	defer way.Close()
	client, _ := open(t, way.Addr())
	quiet := slog.New(slog.DiscardHandler)
	changes, other := client.Changes(quiet), client.Changes(quiet)
	heard := make(chan seatmap.Change, 100)
	var lost atomic.Int32
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- changes.Follow(ctx, func(batch []seatmap.Change) {
			for _, c := range batch {
				heard <- c
			}
		}, func() { lost.Add(1) })
	}()
	testenv.Eventually(t, 20*time.Second, "somebody listens", func() bool { return lost.Load() == 1 })
	until := time.UnixMilli(time.Now().UnixMilli())
	want := []seatmap.Change{
		{Event: "e", Seats: []tickets.SeatID{"a/A/1", "a/A/2"}, State: tickets.Held, Token: 7, Until: until},
		{Event: "e", Seats: []tickets.SeatID{"a/A/1"}, State: tickets.Paid, Token: 7, Until: until},
	}
	if err := changes.Announce(ctx, want[1:]); err != nil { // what one says oneself isn't heard
		t.Fatal(err)
	}
	if err := other.Announce(ctx, want); err != nil {
		t.Fatal(err)
	}
	for _, want := range want {
		select {
		case got := <-heard:
			if !reflect.DeepEqual(got, want) {
				t.Errorf("heard %+v, want %+v", got, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("nothing was heard")
		}
	}
	way.Cut()
	testenv.Eventually(t, 20*time.Second, "announcing fails", func() bool { return other.Announce(ctx, want) != nil })
	if err := way.Mend(); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 20*time.Second, "it is told that messages may be lost", func() bool { return lost.Load() >= 2 })
	if err := other.Announce(ctx, want[:1]); err != nil {
		t.Fatal(err)
	}
	select {
	case <-heard:
	case <-time.After(20 * time.Second):
		t.Error("nothing is heard afterwards")
	}
	cancel()
	if err := <-ended; err != context.Canceled {
		t.Errorf("it ended with %v", err)
	}
}
