package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/postgres"
	"designkits/cases/tickets/adapters/redis"
	"designkits/cases/tickets/client"
	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/room"
	"designkits/cases/tickets/venue"
	"designkits/shared/leaktest"
	"designkits/shared/servicetest"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const (
	secret  = "a secret of the tests, of 32 bytes"
	browser = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
)

// earlier are sessions that are a minute old.
var earlier = identity.Sessions{Secret: []byte(secret), Now: func() time.Time { return time.Now().Add(-time.Minute) }}

// put makes or changes an event.
func put(t *testing.T, db *postgres.DB, event tickets.EventID, onSale time.Time) {
	t.Helper()
	if err := db.Events().Put(t.Context(), tickets.Event{
		ID: event, Name: "An evening", Venue: "theatre", Starts: time.Now().Add(10 * time.Hour), OnSale: onSale, Currency: "EUR",
		Prices: map[string]tickets.Cents{"a": 100}, PerAccount: 4, HoldFor: time.Minute, MaxHold: 2 * time.Minute,
	}); err != nil {
		t.Fatal(err)
	}
}

// A process is one gate, on port 0.
type process struct {
	t    *testing.T
	base string
	stop func()
}

func start(t *testing.T, namespace string) *process {
	t.Helper()
	p := servicetest.Start(t, "gate", run, map[string]string{
		"LISTEN": "127.0.0.1:0", "REDIS": testenv.Addr(t, "redis"), "POSTGRES": testenv.Addr(t, "postgres"), "NAMESPACE": namespace,
		"SESSION_SECRET": secret, "PASS_SECRET": secret, "ROOM_SECRET": secret, "ADMIT_MIN": "20", "ADMIT_MAX": "20",
	})
	return &process{t: t, base: p.URL, stop: p.Stop}
}

func (p *process) ask(method, path, session string) (int, []byte) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.base+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header = http.Header{
		"Authorization": {"Bearer " + session}, "Accept-Language": {"en"}, "Sec-Fetch-Site": {"same-origin"},
		"User-Agent": {browser},
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, body
}

// A sale with two gates, of which the doorkeeper is restarted: everybody is let
// in, the early before the late.
func TestASaleGoesOnWhenTheDoorkeeperStops(t *testing.T) {
	namespace := testenv.Namespace(t)
	db, err := postgres.Open(t.Context(), postgres.Config{Addr: testenv.Addr(t, "postgres"), Namespace: namespace, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	put(t, db, "e", time.Now().Add(time.Hour))
	one := start(t, namespace)
	sessions := map[tickets.Account]string{}
	join := func(p *process, account tickets.Account) {
		t.Helper()
		if sessions[account], _, err = earlier.Sign(account, identity.Fan); err != nil {
			t.Fatal(err)
		}
		if status, body := p.ask("POST", "/api/room/e", sessions[account]); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
	}
	for n := range 4 { // more from one machine would have to work
		join(one, tickets.Account(fmt.Sprintf("early-%d", n)))
	}
	store := redis.Open(testenv.Addr(t, "redis"), namespace)
	defer store.Close(context.Background())
	head := func() room.Head {
		h, err := store.Room().Head(t.Context(), "e")
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	if h := head(); h.Served != 0 || h.Open || h.Waiting != 4 {
		t.Fatalf("before the sale: %+v", h)
	}
	put(t, db, "e", time.Now())
	testenv.Eventually(t, time.Minute, "the early are in", func() bool { return head().Served == 4 })

	two := start(t, namespace)
	late := tickets.Account("late")
	one.stop()
	if sessions[late], _, err = earlier.Sign(late, identity.Fan); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Room().Join(t.Context(), "e", late, 0); err != nil {
		t.Fatal(err)
	}
	passes := room.Passes{Secret: []byte(secret), For: time.Minute, Now: time.Now}
	for account, session := range sessions {
		testenv.Eventually(t, time.Minute, string(account)+" has a pass of the second gate", func() bool {
			status, body := two.ask("GET", "/api/room/e", session)
			var told struct{ Pass string }
			if err := json.Unmarshal(body, &told); err != nil || status != 200 {
				t.Fatalf("%d %s", status, body)
			}
			return passes.Check(told.Pass, "e", account) == nil
		})
	}
	if status, body := two.ask("GET", "/metrics", ""); status != 200 || !bytes.Contains(body, []byte("gate_watchers 0")) {
		t.Errorf("%d %s", status, body)
	}
}

// As long as every seat is paid nobody is let in to look for one; who waits keeps its
// place, and goes in when a seat was given back.
func TestNobodyIsLetInWhileAllIsSold(t *testing.T) {
	namespace := testenv.Namespace(t)
	db, err := postgres.Open(t.Context(), postgres.Config{Addr: testenv.Addr(t, "postgres"), Namespace: namespace, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	halls, err := venue.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	all := halls["theatre"].All()
	everything := tickets.Grant{
		Claim: tickets.Claim{Hold: "h", Event: "e", Account: "a club", Seats: all, For: time.Minute}, Until: time.Now().Add(time.Minute), Token: 1,
	}
	if err := db.Sales().Sell(t.Context(), everything, "theirs"); err != nil {
		t.Fatal(err)
	}
	put(t, db, "e", time.Now())
	put(t, db, "another", time.Now())
	p := start(t, namespace)
	session, _, err := earlier.Sign("ann", identity.Fan)
	if err != nil {
		t.Fatal(err)
	}
	stands := func(method, event string) (told client.Standing) {
		t.Helper()
		status, body := p.ask(method, "/api/room/"+event, session)
		if err := json.Unmarshal(body, &told); err != nil || status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		return told
	}
	if told := stands("POST", "e"); told.Status != room.Waiting || !told.SoldOut {
		t.Fatalf("%+v", told)
	}
	stands("POST", "another")
	testenv.Eventually(t, time.Minute, "others are let in", func() bool { return stands("GET", "another").Status == room.Admitted })
	if told := stands("GET", "e"); told.Status != room.Waiting || !told.SoldOut {
		t.Errorf("all seats are sold, and she stands so: %+v", told)
	}
	if _, err := db.Sales().Refund(t.Context(), "e", "theirs", all[:1]); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, time.Minute, "a seat is back, and she is in", func() bool { return stands("GET", "e").Status == room.Admitted })
}

func TestTheConfigurationSaysWhatIsWrong(t *testing.T) {
	good := map[string]string{
		"LISTEN": "127.0.0.1:0", "REDIS": "r:1", "POSTGRES": "p:1", "NAMESPACE": "n",
		"SESSION_SECRET": secret, "PASS_SECRET": secret, "ROOM_SECRET": secret,
	}
	for name, c := range map[string]struct{ variable, value, want string }{
		"good":         {"REPLICA", "g", ""},
		"short secret": {"PASS_SECRET", "short", "PASS_SECRET has 5 bytes"},
		"no rate":      {"ADMIT_MIN", "0", "ADMIT_MIN"},
		"no toggle":    {"BOT_DEFENCE", "maybe", "neither on nor off"},
		"no time":      {"PASS_FOR", "-1s", "PASS_FOR"},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range good {
				t.Setenv(variable, value)
			}
			t.Setenv(c.variable, c.value)
			cfg, err := readConfig()
			if c.want == "" && (err != nil || cfg.rules() == nil) {
				t.Error(err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want one that says %s", err, c.want)
			}
		})
	}
}
