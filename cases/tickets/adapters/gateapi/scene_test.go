package gateapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/gateapi"
	"designkits/cases/tickets/adapters/redis"
	"designkits/cases/tickets/bots"
	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/room"
	"designkits/shared/fault/link"
	"designkits/shared/leaktest"
	"designkits/shared/problem"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

var (
	sessions = identity.Sessions{Secret: []byte("of sessions"), Now: time.Now}
	passes   = room.Passes{Secret: []byte("of passes"), For: 8 * time.Second, Now: time.Now}
)

// A scene is what the gates of one test share: one Redis, one event.
type scene struct {
	t         *testing.T
	namespace string
	redis     *link.Link
	rate      float64 // people a second

	mu    sync.Mutex
	event tickets.Event
	sold  bool // all of it
}

func newScene(t *testing.T) *scene {
	t.Helper()
	way, err := link.Open(testenv.Addr(t, "redis"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(way.Close)
	return &scene{t: t, namespace: testenv.Namespace(t), redis: way, rate: 100, event: tickets.Event{
		ID: "e", OnSale: time.Now().Add(-time.Second), Starts: time.Now().Add(time.Hour),
	}}
}

func (s *scene) onSale(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.event.OnSale = at
}

func (s *scene) sell(all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sold = all
}

func (s *scene) soldOut(tickets.EventID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sold
}

func (s *scene) events() []tickets.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return []tickets.Event{s.event}
}

// A gate is one process, in this one.
type gate struct {
	*scene
	url   string
	board *room.Board
	drain func()
	stop  func()
}

// gate starts a gate. With a door it lets people in.
func (s *scene) gate(name string, door bool, wrap func(room.Room) room.Room) *gate {
	s.t.Helper()
	store := redis.Open(s.redis.Addr(), s.namespace)
	quiet := slog.New(slog.DiscardHandler)
	var waiting room.Room = store.Room()
	if wrap != nil {
		waiting = wrap(waiting)
	}
	draining := make(chan struct{})
	g := &gate{scene: s, board: &room.Board{Room: waiting, SoldOut: s.soldOut, Now: time.Now, Log: quiet, Most: 600}, drain: sync.OnceFunc(func() { close(draining) })}
	work, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = g.board.Run(work) })
	if door {
		d := &room.Door{
			Room: waiting, Pressure: store.Pressure(), Events: s.events, SoldOut: s.soldOut, Keeper: name, Now: time.Now, Log: quiet,
			Admission: func(tickets.Event) *room.Admission { return room.NewAdmission(time.Second, s.rate, s.rate) },
		}
		running.Go(func() { _ = d.Run(work) })
	}
	server := httptest.NewServer(gateapi.New(gateapi.Config{
		Room: waiting, Board: g.board, Sessions: sessions, Passes: passes, LotSecret: []byte("of lots"),
		SoldOut: s.soldOut,
		Event: func(id tickets.EventID) (tickets.Event, error) {
			if e := s.events()[0]; e.ID == id {
				return e, nil
			}
			return tickets.Event{}, tickets.ErrUnknown
		},
		Limits: store.Limits(), Rules: bots.Rules, Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Work: bots.Work{Secret: []byte("of work"), For: time.Minute, Now: time.Now},
		Now:  time.Now, Log: quiet, Metrics: prometheus.NewRegistry(), Draining: draining,
	}).Handler())
	g.url = server.URL
	g.stop = sync.OnceFunc(func() {
		g.drain()
		http.DefaultClient.CloseIdleConnections()
		server.Close()
		end()
		running.Wait()
		if err := store.Close(context.Background()); err != nil {
			s.t.Error(err)
		}
	})
	s.t.Cleanup(g.stop)
	return g
}

// A fan asks as a browser does.
type fan struct {
	account tickets.Account
	session string
	header  http.Header
}

// newFan has had its session for a minute.
func newFan(t *testing.T, account string) fan {
	t.Helper()
	return signed(t, account, identity.Fan, time.Minute)
}

func signed(t *testing.T, account string, role identity.Role, ago time.Duration) fan {
	t.Helper()
	earlier := sessions
	earlier.Now = func() time.Time { return time.Now().Add(-ago) }
	token, _, err := earlier.Sign(tickets.Account(account), role)
	if err != nil {
		t.Fatal(err)
	}
	return fan{tickets.Account(account), token, http.Header{
		"User-Agent":      {"Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"},
		"Accept-Language": {"en-GB"}, "Accept-Encoding": {"gzip"}, "Sec-Fetch-Site": {"same-origin"},
		"Authorization": {"Bearer " + token},
	}}
}

func (f fan) with(name, value string) fan {
	f.header = f.header.Clone()
	f.header.Del(name)
	if value != "" {
		f.header.Set(name, value)
	}
	return f
}

// at gives the fan an address of its own.
func (f fan) at(address string) fan { return f.with("X-Forwarded-For", address) }

// An answer is what a gate says.
type answer struct {
	status int
	retry  string
	text   string
	problem.Problem
	Standing
	Challenge bots.Challenge `json:"challenge"`
}

// A Standing is where a fan stands.
type Standing struct {
	Is          room.Status `json:"-"`
	Ahead       *int64      `json:"ahead"`
	WaitSeconds *float64    `json:"waitSeconds"`
	SoldOut     bool        `json:"soldOut"`
	Pass        string      `json:"pass"`
	Until       time.Time   `json:"until"`
	Stale       bool        `json:"stale"`
	Reason      string      `json:"reason"`
}

func (g *gate) ask(f fan, method, path, body string) answer {
	g.t.Helper()
	resp := g.do(g.t.Context(), f, method, path, body)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	checkAnswer(g.t, resp.Request, resp, text)
	a := answer{status: resp.StatusCode, retry: resp.Header.Get("Retry-After"), text: string(text)}
	if resp.StatusCode == http.StatusOK {
		a.Standing = standing(g.t, string(text))
	} else if len(text) > 0 {
		if err := json.Unmarshal(text, &a.Problem); err != nil {
			g.t.Fatalf("%s %s: %d %s: %v", method, path, resp.StatusCode, text, err)
		}
		var more struct{ Challenge bots.Challenge }
		if err := json.Unmarshal(text, &more); err != nil {
			g.t.Fatal(err)
		}
		a.Challenge = more.Challenge
	}
	return a
}

func standing(t *testing.T, text string) Standing {
	t.Helper()
	var is struct{ Status room.Status }
	var s Standing
	for _, into := range []any{&is, &s} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	s.Is = is.Status
	return s
}

func (g *gate) do(ctx context.Context, f fan, method, path, body string) *http.Response {
	g.t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, g.url+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header = f.header.Clone()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	return resp
}

func (g *gate) join(f fan) answer { g.t.Helper(); return g.ask(f, "POST", "/api/room/e", "") }

// want fails unless the answer has the status, and a problem of the type.
func (a answer) want(t *testing.T, status int, slug string) answer {
	t.Helper()
	if a.status != status || slug != "" && a.Type != "/problems/"+slug {
		t.Fatalf("%d %s, want %d %s", a.status, a.text, status, slug)
	}
	return a
}

// next reads the next event of a stream; "" at its end.
func next(lines *bufio.Scanner) (name, data string) {
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case key == "event":
			name = value
		case key == "data":
			data = value
		case lines.Text() == "" && name != "":
			return name, data
		}
	}
	return "", ""
}

// watch opens a stream.
func (g *gate) watch(f fan) *bufio.Scanner {
	g.t.Helper()
	ctx, cancel := context.WithCancel(g.t.Context())
	resp := g.do(ctx, f, "GET", "/api/room/e/live", "")
	g.t.Cleanup(func() { cancel(); _ = resp.Body.Close() })
	if resp.StatusCode != http.StatusOK {
		g.t.Fatal(resp.Status)
	}
	return bufio.NewScanner(resp.Body)
}

// until reads events until one is as wanted, and returns it.
func until(t *testing.T, lines *bufio.Scanner, want func(name string, s Standing) bool) Standing {
	t.Helper()
	for {
		name, data := next(lines)
		if name == "" {
			t.Fatal("the stream ended without it")
		}
		if s := standing(t, data); want(name, s) {
			return s
		}
	}
}
