package gateapi_test

import (
	"bufio"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/room"
	"designkits/shared/testenv"
)

// counted is the real room, and counts what is asked of it.
type counted struct {
	room.Room
	heads, lookUps atomic.Int64
}

func (c *counted) Head(ctx context.Context, event tickets.EventID) (room.Head, error) {
	c.heads.Add(1)
	return c.Room.Head(ctx, event)
}

func (c *counted) Places(ctx context.Context, event tickets.EventID, accounts ...tickets.Account) ([]room.Place, error) {
	c.lookUps.Add(int64(len(accounts)))
	return c.Room.Places(ctx, event, accounts...)
}

// Five hundred watch until all are in, and Redis isn't asked for each of them
// again and again.
func TestACrowdWatchesItsPlaces(t *testing.T) {
	const crowd = 500
	began := time.Now()
	s := newScene(t)
	s.rate = 100
	s.onSale(time.Now().Add(time.Hour))
	var asked *counted
	g := s.gate("one", true, func(r room.Room) room.Room { asked = &counted{Room: r}; return asked })
	streams := make([]*bufio.Scanner, crowd)
	for n := range streams {
		f := newFan(t, fmt.Sprintf("fan-%d", n)).at(fmt.Sprintf("203.0.%d.%d", n/250, n%250))
		g.join(f).want(t, 200, "")
		streams[n] = g.watch(f)
	}
	testenv.Eventually(t, time.Minute, "all watch", func() bool { return g.board.Watchers() == crowd })
	opened := time.Now()
	s.onSale(opened)
	var reading sync.WaitGroup
	var told atomic.Int64
	last := make([]time.Duration, crowd)
	for n, lines := range streams {
		reading.Go(func() {
			ahead := int64(crowd)
			for {
				name, data := next(lines)
				switch {
				case name == "":
					t.Errorf("fan %d: the stream ended", n)
					return
				case name == "pass":
					last[n] = time.Since(opened)
					return
				}
				told.Add(1)
				if place := standing(t, data); place.Ahead != nil {
					if *place.Ahead > ahead {
						t.Errorf("fan %d goes back from %d to %d", n, ahead, *place.Ahead)
					}
					ahead = *place.Ahead
				}
			}
		})
	}
	reading.Wait()
	gone := time.Since(opened)
	t.Logf("%d were let in within %s, told %d places; Redis was asked %d times for the head and for %d places",
		crowd, gone.Round(time.Millisecond), told.Load(), asked.heads.Load(), asked.lookUps.Load())
	if n := told.Load(); n < 2*crowd { // and more where rounds aren't held up
		t.Errorf("only %d places were told", n)
	}
	// When the stream was opened, when the sale began, when it was let in; and once
	// more for those who wait for long, which is done every 20 s.
	all := time.Since(began)
	if n, most := asked.lookUps.Load(), crowd*(4+int64(all/(20*time.Second))); n > most {
		t.Errorf("%d places were looked up, want at most %d", n, most)
	}
	if most := int64(all/(100*time.Millisecond)) + 100; asked.heads.Load() > most {
		t.Errorf("the head was asked for %d times, want at most %d", asked.heads.Load(), most)
	}
}

func TestNoMoreWatchThanThereIsRoomFor(t *testing.T) {
	s := newScene(t)
	g := s.gate("one", false, nil)
	g.board.Most = 2
	for n := range 2 {
		f := newFan(t, fmt.Sprintf("fan-%d", n))
		g.join(f).want(t, 200, "")
		g.watch(f)
	}
	ann := newFan(t, "ann")
	g.join(ann).want(t, 200, "")
	if a := g.ask(ann, "GET", "/api/room/e/live", "").want(t, 503, "full"); a.retry == "" {
		t.Error("it doesn't say when")
	}
}
