package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/kafka"
	"designkits/cases/tickets/saga"
	"designkits/shared/fault/link"
	"designkits/shared/leaktest"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func open(t *testing.T, broker string) *kafka.Log {
	t.Helper()
	l, err := kafka.Open([]string{broker}, testenv.Namespace(t), "one", slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(context.Background()) })
	return l
}

// seen collects what a reader is given.
type seen struct {
	mu     sync.Mutex
	events map[tickets.OrderID][]int64
	n      int
}

func (s *seen) add(e saga.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events[e.Order] = append(s.events[e.Order], e.ID)
	s.n++
}

func (s *seen) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

// follow reads in the background until stop is called.
func follow(t *testing.T, l *kafka.Log, handle func(saga.Event) error) (s *seen, stop func()) {
	t.Helper()
	s = &seen{events: map[tickets.OrderID][]int64{}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- l.Follow(ctx, "readers", func(_ context.Context, e saga.Event) error {
			if err := handle(e); err != nil {
				return err
			}
			s.add(e)
			return nil
		})
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return s, stop
}

func accept(saga.Event) error { return nil }

// batch makes events of a few orders in turn, from an id on.
func batch(from int64, n int) (events []saga.Event) {
	for id := from; id < from+int64(n); id++ {
		events = append(events, saga.Event{Schema: 1, ID: id, Order: tickets.OrderID(fmt.Sprint("o", id%7)), At: time.Now()})
	}
	return events
}

func TestTheEventsOfAnOrderAreReadInOrder(t *testing.T) {
	l := open(t, testenv.Addr(t, "kafka"))
	for from := int64(1); from <= 401; from += 100 {
		if err := l.Append(t.Context(), batch(from, 100)); err != nil {
			t.Fatal(err)
		}
	}
	s, stop := follow(t, l, accept)
	testenv.Eventually(t, 2*time.Minute, "all events are read", func() bool { return s.count() >= 500 })
	stop()
	for order, ids := range s.events {
		if !slices.IsSorted(ids) {
			t.Errorf("%s: %v", order, ids)
		}
	}
}

func TestAReaderGoesOnWhereItEnded(t *testing.T) {
	l := open(t, testenv.Addr(t, "kafka"))
	if err := l.Append(t.Context(), batch(1, 10)); err != nil {
		t.Fatal(err)
	}
	first, stop := follow(t, l, accept)
	testenv.Eventually(t, 2*time.Minute, "the first are read", func() bool { return first.count() == 10 })
	stop()
	if err := l.Append(t.Context(), batch(11, 5)); err != nil {
		t.Fatal(err)
	}
	second, stop := follow(t, l, accept)
	testenv.Eventually(t, 2*time.Minute, "the next are read", func() bool { return second.count() >= 5 })
	stop()
	for order, ids := range second.events {
		if ids[0] <= 10 {
			t.Errorf("%s came from its start: %v", order, ids)
		}
	}
}

func TestAnEventThatFailsComesAgain(t *testing.T) {
	l := open(t, testenv.Addr(t, "kafka"))
	if err := l.Append(t.Context(), batch(1, 14)); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	failures := 0
	s, stop := follow(t, l, func(e saga.Event) error {
		mu.Lock()
		defer mu.Unlock()
		if e.ID == 3 && failures < 3 {
			failures++
			return errors.New("not now")
		}
		return nil
	})
	testenv.Eventually(t, 2*time.Minute, "all are handled", func() bool { return s.count() == 14 })
	stop()
	if got := s.events["o3"]; !slices.Equal(got, []int64{3, 10}) {
		t.Errorf("the order of the one that failed: %v", got)
	}
}

func TestAppendKeepsItsDeadlineWhileKafkaIsAway(t *testing.T) {
	way, err := link.Open(testenv.Addr(t, "kafka"))
	if err != nil {
		t.Fatal(err)
	}
	defer way.Close()
	way.Cut()
	l := open(t, way.Addr())
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := l.Append(ctx, batch(1, 1)); err == nil || time.Since(began) > 20*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}
