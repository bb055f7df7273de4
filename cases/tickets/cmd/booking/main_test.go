package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"designkits/shared/leaktest"
	"designkits/shared/service"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const secret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// environment sets what every replica of a test shares.
func environment(t *testing.T, more map[string]string) {
	t.Helper()
	all := map[string]string{
		"LISTEN": "127.0.0.1:0", "REDIS": testenv.Addr(t, "redis"), "POSTGRES": testenv.Addr(t, "postgres"), "NAMESPACE": testenv.Namespace(t),
		"SESSION_SECRET": secret, "PASS_SECRET": secret, "HOLD_SECRET": secret, "TICKET_SECRET": secret, "WEBHOOK_SECRET": secret,
		"ORGANISER_SECRET": secret, "DOOR_SECRET": secret,
	}
	for name, value := range more {
		all[name] = value
	}
	for name, value := range all {
		t.Setenv(name, value)
	}
}

// A replica is the process, in this one.
type replica struct {
	t      *testing.T
	base   string
	signal context.CancelFunc
	ended  chan error
}

// start boots replicas that share one configuration.
func start(t *testing.T, names ...string) []*replica {
	t.Helper()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	cfg, err := readConfig()
	if err != nil {
		t.Fatal(err)
	}
	var replicas []*replica
	for _, name := range names {
		cfg.Replica = name
		ctx, signal := context.WithCancel(context.Background())
		r := &replica{t: t, signal: signal, ended: make(chan error, 1)}
		started := make(chan *service.Service, 1)
		go func() {
			r.ended <- service.Run(ctx, "booking", func(ctx context.Context, s *service.Service) error {
				started <- s
				return boot(ctx, s, cfg)
			})
		}()
		t.Cleanup(r.stop)
		waiting, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		addr, err := (<-started).Addr(waiting)
		if err != nil {
			t.Fatalf("not serving: %v", err)
		}
		r.base = "http://" + addr.String()
		testenv.Eventually(t, 2*time.Minute, "it is ready", func() bool { return r.ask("GET", "/readyz", "", "", nil) == 200 })
		replicas = append(replicas, r)
	}
	return replicas
}

// stop ends the replica, once.
func (r *replica) stop() {
	r.signal()
	select {
	case err, open := <-r.ended:
		if open && err != nil {
			r.t.Errorf("after the signal: %v", err)
		}
		if open {
			close(r.ended)
		}
	case <-time.After(service.StopWithin):
		r.t.Error("it doesn't stop")
	}
}

// ask sends a request and returns the status.
func (r *replica) ask(method, path, session, body string, into any) int {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.base+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if method == http.MethodPost {
		req.Header.Set("Idempotency-Key", time.Now().Format(time.RFC3339Nano))
	}
	if session != "" {
		req.Header.Set("Authorization", "Bearer "+session)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	if into != nil && resp.StatusCode < 300 {
		if err := json.Unmarshal(text, into); err != nil {
			r.t.Fatalf("%s %s: %s: %v", method, path, text, err)
		}
	}
	if resp.StatusCode >= 400 && !strings.HasSuffix(path, "readyz") {
		r.t.Logf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	return resp.StatusCode
}

func (r *replica) must(want int, method, path, session, body string, into any) {
	r.t.Helper()
	if got := r.ask(method, path, session, body, into); got != want {
		r.t.Fatalf("%s %s: %d, want %d", method, path, got, want)
	}
}

func (r *replica) fan() string {
	r.t.Helper()
	var session struct{ Token string }
	r.must(201, "POST", "/api/session", "", "", &session)
	return session.Token
}

// opens opens an event in the theatre that is on sale, whose holds last so many
// seconds.
func (r *replica) opens(event string, holdFor int) {
	r.t.Helper()
	var session struct{ Token string }
	r.must(201, "POST", "/api/session", "", `{"role":"organiser","secret":"`+secret+`"}`, &session)
	r.must(200, "PUT", "/api/events/"+event, session.Token, fmt.Sprintf(`{"name":"A play","venue":"theatre","starts":"2099-01-01T00:00:00Z","onSale":"2020-01-01T00:00:00Z",
		"currency":"EUR","prices":{"1":1000,"2":500},"perAccount":4,"holdFor":%d,"maxHold":%[1]d}`, holdFor), nil)
}

// An update is an event of a stream.
type update struct {
	Event, ID        string
	Free, Held, Sold []int
}

// watch follows an event's seats.
func (r *replica) watch(event string) <-chan update {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.base+"/api/events/"+event+"/live", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != 200 {
		r.t.Fatal(resp, err)
	}
	updates, ended := make(chan update, 1000), make(chan struct{})
	go func() {
		defer close(ended)
		defer close(updates)
		var u update
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				u = update{Event: value}
			case "id":
				u.ID = value
			case "data":
				if u.Event == "delta" && json.Unmarshal([]byte(value), &u) != nil {
					r.t.Errorf("a delta is %s", value)
				}
				updates <- u
			}
		}
	}()
	r.t.Cleanup(func() { resp.Body.Close(); <-ended })
	if first := next(r.t, updates, func(u update) bool { return u.Event == "seats" }); first.ID == "" {
		r.t.Error("the whole has no version")
	}
	return updates
}

// next waits for an update.
func next(t *testing.T, updates <-chan update, is func(update) bool) update {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		select {
		case u := <-updates:
			if is(u) {
				return u
			}
		case <-timeout:
			t.Fatal("nothing of that kind within a minute")
		}
	}
}

// withinASecond fails the test when none of the updates came within a second of what
// they tell of; a busy machine may hold up some.
func withinASecond(t *testing.T, took ...time.Duration) {
	t.Helper()
	if slices.Min(took) > time.Second {
		t.Errorf("updates came after %v, want within a second", took)
	}
}

type held struct {
	Hold  string
	Until time.Time
	Seats []struct{ Seat string }
	Total int
}

// What one replica grants, those who watch the other see within a second, and
// also when it is over.
func TestTwoReplicasShowTheSame(t *testing.T) {
	environment(t, nil)
	two := start(t, "one", "two")
	one, other := two[0], two[1]
	updates := other.watch("theatre")
	fan := one.fan()

	var took []time.Duration
	shows := func(is func(u update) bool) {
		t.Helper()
		began := time.Now()
		next(t, updates, is)
		took = append(took, time.Since(began))
	}
	var hold held
	one.must(201, "POST", "/api/events/theatre/holds", fan, `{"best":{"seats":2}}`, &hold)
	shows(func(u update) bool { return len(u.Held) == 2 })
	one.must(204, "DELETE", "/api/events/theatre/holds/"+hold.Hold, fan, "", nil)
	shows(func(u update) bool { return len(u.Free) == 2 })

	one.must(201, "POST", "/api/events/theatre/holds", fan, `{"seats":["stalls/A/1","stalls/A/2"]}`, &hold)
	shows(func(u update) bool { return len(u.Held) == 2 && u.Held[0] == 0 })
	withinASecond(t, took...)
	if got := other.ask("POST", "/api/events/theatre/holds", other.fan(), `{"seats":["stalls/A/2","stalls/A/3"]}`, nil); got != 409 {
		t.Errorf("held by another: %d", got)
	}
	// The other replica takes the order of a hold that it hasn't granted.
	var order struct{ ID, State string }
	other.must(202, "POST", "/api/events/theatre/orders", fan, `{"hold":"`+hold.Hold+`","source":"tok_ok"}`, &order)
	one.must(200, "GET", "/api/orders/"+order.ID, fan, "", &order)
	if order.State != "placed" {
		t.Errorf("the order is %s", order.State)
	}
	// A replica that stops ends its streams.
	other.stop()
	for open := true; open; {
		select {
		case _, open = <-updates:
		case <-time.After(time.Minute):
			t.Fatal("the stream goes on")
		}
	}
}

// A hold that nobody ends is over by itself, and every replica shows that within
// a second.
func TestAHoldThatIsOverIsShownFree(t *testing.T) {
	environment(t, map[string]string{"SHIPPED": "false"})
	two := start(t, "one", "two")
	two[0].opens("short", 10)
	testenv.Eventually(t, time.Minute, "the other replica knows the event", func() bool { return two[1].ask("GET", "/api/events/short", "", "", nil) == 200 })
	watching := []<-chan update{two[0].watch("short"), two[1].watch("short")}
	var late []time.Duration // until both show it, at each try
	for len(late) < 3 && (len(late) == 0 || slices.Min(late) > time.Second) {
		var hold held
		two[0].must(201, "POST", "/api/events/short/holds", two[0].fan(), `{"best":{"seats":1}}`, &hold)
		for n, updates := range watching {
			next(t, updates, func(u update) bool { return len(u.Held) == 1 })
			next(t, updates, func(u update) bool { return len(u.Free) == 1 })
			if early := time.Until(hold.Until); early > 0 {
				t.Errorf("replica %d showed it free %s too early", n, early)
			}
		}
		late = append(late, time.Since(hold.Until))
	}
	withinASecond(t, late...)
}

// Every strategy sells.
func TestEveryStrategyHolds(t *testing.T) {
	for _, strategy := range []string{"conditional-update", "for-update", "skip-locked", "advisory-lock", "check-then-act", "setnx"} {
		t.Run(strategy, func(t *testing.T) {
			environment(t, map[string]string{"CLAIMS": strategy, "SHIPPED": "false"})
			one := start(t, "one")[0]
			one.opens("play", 60) // an extension is granted and changes nothing
			fan := one.fan()
			var hold held
			one.must(201, "POST", "/api/events/play/holds", fan, `{"best":{"seats":2,"tier":"1"}}`, &hold)
			if len(hold.Seats) != 2 || hold.Total != 2000 {
				t.Errorf("%+v", hold)
			}
			one.must(200, "POST", "/api/events/play/holds/"+hold.Hold+"/extend", fan, "", nil)
			one.must(202, "POST", "/api/events/play/orders", fan, `{"hold":"`+hold.Hold+`","source":"tok_ok"}`, nil)
		})
	}
}

func TestTheConfigurationSaysWhatIsMissing(t *testing.T) {
	environment(t, nil)
	for name, c := range map[string]struct{ value, want string }{
		"SESSION_SECRET": {"short", "SESSION_SECRET"}, "TICKET_SECRET": {strings.Repeat("x", 64), "hexadecimal"}, "CLAIMS": {"hope", "hope"},
		"HOLDS_MOST": {"1", "HOLDS_MOST"}, "HOLDS_WINDOW": {"0s", "HOLDS_WINDOW"}, "BOT_DEFENCE": {"maybe", "neither on nor off"},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, map[string]string{name: c.value})
			err := service.Run(t.Context(), "booking", run)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
