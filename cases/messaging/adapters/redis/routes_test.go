package redis

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/session"
	"designkits/cases/messaging/wire"
	"designkits/shared/testenv"
)

func connect(t *testing.T) *Client {
	t.Helper()
	c := Open(testenv.Addr(t, "redis"), testenv.Namespace(t))
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

func device() messaging.Address { return messaging.Address{User: messaging.NewUserID(), Device: 1} }

func put(t *testing.T, c *Client, r session.Route) *session.Route {
	t.Helper()
	before, err := c.Routes().Put(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return before
}

func where(t *testing.T, c *Client, a messaging.Address) []session.Route {
	t.Helper()
	routes, err := c.Routes().Of(t.Context(), []messaging.Address{a, device()})
	if err != nil {
		t.Fatal(err)
	}
	return routes
}

func standing(t *testing.T, c *Client, r session.Route) session.Standing {
	t.Helper()
	all, err := c.Routes().Refresh(t.Context(), []session.Route{r})
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

func TestADeviceIsWhereItConnectedLast(t *testing.T) {
	c, a := connect(t), device()
	one := session.Route{Device: a, Gateway: "gateway-1", Number: 1<<64 - 1}
	two := session.Route{Device: a, Gateway: "gateway-2", Number: 2}
	if before := put(t, c, one); before != nil {
		t.Errorf("before it was at %+v", before)
	}
	if before := put(t, c, two); before == nil || *before != one {
		t.Errorf("before it was at %+v", before)
	}
	if got := where(t, c, a); !reflect.DeepEqual(got, []session.Route{two}) {
		t.Errorf("it is at %+v", got)
	}
	// The older connection ends later, and takes nothing with it.
	if err := c.Routes().Remove(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	if got := where(t, c, a); len(got) != 1 {
		t.Errorf("it is at %+v", got)
	}
	if err := c.Routes().Remove(t.Context(), two); err != nil {
		t.Fatal(err)
	}
	if got := where(t, c, a); len(got) != 0 {
		t.Errorf("it is at %+v", got)
	}
}

func TestARefreshTellsWhatHasBecomeOfARoute(t *testing.T) {
	c, a := connect(t), device()
	route := session.Route{Device: a, Gateway: "gateway-1", Number: 1}
	if got := standing(t, c, route); got != session.Lost {
		t.Errorf("that was never put: %v", got)
	}
	if got := standing(t, c, route); got != session.Held {
		t.Errorf("that is there: %v", got)
	}
	newer := session.Route{Device: a, Gateway: "gateway-1", Number: 2}
	if got := standing(t, c, newer); got != session.Held {
		t.Errorf("of a newer connection to the same gateway: %v", got)
	}
	// gateway-10 begins as gateway-1 does, and is another.
	put(t, c, session.Route{Device: a, Gateway: "gateway-10", Number: 3})
	if got := standing(t, c, newer); got != session.Replaced {
		t.Errorf("of a device that is elsewhere: %v", got)
	}
	if got := where(t, c, a); len(got) != 1 || got[0].Gateway != "gateway-10" {
		t.Errorf("it is at %+v", got)
	}
	newer.Unknown = true
	if got := standing(t, c, newer); got != session.Lost {
		t.Errorf("that could not be put when the device came: %v", got)
	}
	if got := where(t, c, a); len(got) != 1 || got[0].Gateway != "gateway-1" {
		t.Errorf("then it is at %+v", got)
	}
	ttl, err := c.redis.PTTL(t.Context(), c.key("route", a.String())).Result()
	if err != nil || ttl <= 0 || ttl > session.RouteFor {
		t.Errorf("it expires in %v, %v", ttl, err)
	}
}

// A device that is signed out while it connects doesn't stay, whoever is first:
// it isn't let in, or its gateway hears of it, and the refresh says so in any case.
func TestWhoIsSignedOutStaysAway(t *testing.T) {
	c := connect(t)
	signOuts := c.SignOuts(slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	told, connected := make(chan messaging.Address, 100), make(chan struct{}, 1)
	var hearing sync.WaitGroup
	hearing.Go(func() {
		_ = signOuts.Follow(ctx, func(a messaging.Address) { told <- a }, func() { connected <- struct{}{} })
	})
	defer hearing.Wait()
	defer cancel()
	<-connected
	for range 50 {
		a := device()
		route := session.Route{Device: a, Gateway: "gateway-1", Number: 1}
		var both sync.WaitGroup
		var refused error
		both.Go(func() { _, refused = c.Routes().Put(t.Context(), route) })
		both.Go(func() {
			if err := signOuts.SignOut(t.Context(), a); err != nil {
				t.Error(err)
			}
		})
		both.Wait()
		if refused != nil && !errors.Is(refused, messaging.ErrRevoked) {
			t.Error(refused)
		}
		select {
		case got := <-told:
			if got != a {
				t.Errorf("told of %s, want %s", got, a)
			}
		case <-time.After(30 * time.Second):
			t.Error("its gateway isn't told")
		}
		if got := standing(t, c, route); got != session.Revoked {
			t.Errorf("refreshed: %v", got)
		}
	}
}

func TestAResumeTokenIsSpentByOneOfMany(t *testing.T) {
	c := connect(t)
	until := time.Now().Add(time.Minute)
	var mu sync.Mutex
	firsts := 0
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			first, err := c.Spend(t.Context(), "token", until)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if first {
				firsts++
			}
		})
	}
	all.Wait()
	if firsts != 1 {
		t.Errorf("%d were the first", firsts)
	}
}

func TestTriesOfOneNamespaceAreCounted(t *testing.T) {
	c, other := connect(t), connect(t)
	for want := 1; want <= 3; want++ {
		got, err := c.Count(t.Context(), time.Hour, "address:a", "user:b")
		if err != nil || !reflect.DeepEqual(got, []int{want, want}) {
			t.Errorf("%v, %v", got, err)
		}
	}
	if got, err := other.Count(t.Context(), time.Hour, "address:a"); err != nil || got[0] != 1 {
		t.Errorf("another namespace: %v, %v", got, err)
	}
}

// heard is a connection that keeps what it is sent.
type heard struct {
	mu     sync.Mutex
	frames []string
	code   int
}

func (h *heard) Send(frame []byte) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.frames = append(h.frames, string(frame))
	return true
}
func (h *heard) Resumed() {}
func (h *heard) Close(code int, _ string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.code = code
}

// A gateway ends a connection when another says that the device is there now.
func TestAConnectionThatWasReplacedElsewhereEnds(t *testing.T) {
	c, a := connect(t), device()
	hub := session.New(session.Config{
		Gateway: "gateway-1", Routes: c.Routes(), Peers: c.Peers(), Limits: c, Presence: c.Presence(), Log: slog.New(slog.DiscardHandler),
		Resume: func(messaging.Address) (string, error) { return "token", nil },
	})
	defer hub.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var hearing sync.WaitGroup
	hearing.Go(func() { _ = c.Peers().Hear(ctx, "gateway-1", hub, slog.New(slog.DiscardHandler)) })
	defer hearing.Wait()
	defer cancel()
	testenv.Eventually(t, 30*time.Second, "the gateway hears", func() bool {
		n, err := c.redis.PubSubNumSub(t.Context(), c.Peers().channel("gateway-1")).Result()
		return err == nil && n[c.Peers().channel("gateway-1")] == 1
	})
	conn := &heard{}
	s := hub.New(a, "")
	s.Opened(conn)
	s.Frame([]byte(`{"type":"history","ref":"of nothing"}`))
	testenv.Eventually(t, 30*time.Second, "it has entered", func() bool { return len(where(t, c, a)) == 1 })
	before := put(t, c, session.Route{Device: a, Gateway: "gateway-2", Number: 7})
	if before == nil {
		t.Fatal("it wasn't connected")
	}
	if err := c.Peers().End(t.Context(), *before); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 30*time.Second, "the connection is closed", func() bool {
		conn.mu.Lock()
		defer conn.mu.Unlock()
		return conn.code == wire.CodeReplaced
	})
	s.Closed()
	if got := where(t, c, a); len(got) != 1 || got[0].Gateway != "gateway-2" {
		t.Errorf("it is at %+v", got)
	}
}
