package httpapi_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/httpapi"
	"designkits/cases/tickets/adapters/postgres"
	payclient "designkits/cases/tickets/adapters/provider"
	"designkits/cases/tickets/adapters/redis"
	"designkits/cases/tickets/bots"
	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/move"
	"designkits/cases/tickets/provider"
	"designkits/cases/tickets/receipt"
	"designkits/cases/tickets/room"
	"designkits/cases/tickets/saga"
	"designkits/cases/tickets/seatmap"
	"designkits/cases/tickets/ticketcode"
	"designkits/cases/tickets/venue"
	"designkits/shared/fault/link"
	"designkits/shared/leaktest"
	"designkits/shared/problem"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

var secret = []byte("a secret of the tests")

// mostHolds is how often an account may hold in the tests.
const mostHolds = 10

// A scene is booking with real stores, the payment provider, and a worker of the
// saga.
type scene struct {
	t      *testing.T
	name   string // the stores' namespace
	url    string
	api    *httpapi.Server
	claims tickets.Claims
	db     *postgres.DB
	redis  *link.Link
	signer *ticketcode.Signer
	passes room.Passes
}

// own runs work until the test ends.
func own(t *testing.T, work ...func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for _, run := range work {
		group.Go(func() { _ = run(ctx) }) // ends with the context
	}
	t.Cleanup(func() { cancel(); group.Wait() })
}

// shipped is read once: its 65,500 seats take a test longer than most of its requests.
var shipped = sync.OnceValues(venue.Shipped)

func newScene(t *testing.T) *scene {
	t.Helper()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	namespace, log := testenv.Namespace(t), slog.New(slog.NewTextHandler(t.Output(), nil))
	db, err := postgres.Open(t.Context(), postgres.Config{Addr: testenv.Addr(t, "postgres"), Namespace: namespace, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	way, err := link.Open(testenv.Addr(t, "redis"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(way.Close)
	client := redis.Open(way.Addr(), namespace)
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	venues, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ticketcode.NewSigner(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{t: t, name: namespace, db: db, redis: way, signer: signer, passes: room.Passes{Secret: secret, For: time.Minute, Now: time.Now}}
	claims, changes := client.Claims(db.Sales()), client.Changes(log)
	halls := seatmap.NewHalls(seatmap.HallsConfig{Events: db.Events(), Venues: venues, Claims: claims, Changes: changes, Log: log, Lost: claims.Restore})
	announcer := seatmap.NewAnnouncer(changes)
	s.claims = seatmap.Announce(claims, func(c seatmap.Change) { halls.Apply(c); announcer.Announce(c) })
	draining := make(chan struct{})
	s.api = httpapi.New(httpapi.Config{
		Halls: halls, Claims: s.claims, Events: db.Events(), Orders: db.Orders(), Tickets: db.Tickets(), Messages: db.Messages(),
		Waitlist: db.Waitlist(), Keys: db.Keys(), Attempts: client.Attempts(), Inbox: db.Saga(), Moves: db.Moves(), Signer: signer, Pressure: client.Pressure(),
		Sessions: identity.Sessions{Secret: secret, Now: time.Now}, Passes: s.passes, Receipts: receipt.Receipts{Secret: secret},
		OrganiserSecret: "organiser's", DoorSecret: "door's", WebhookSecret: secret, PayFor: time.Minute, Replica: "test", Watchers: 3,
		Holds: &bots.Holds{Limits: client.Limits(), Most: mostHolds, Window: time.Hour, Now: time.Now},
		Log:   log, Metrics: prometheus.NewRegistry(), Draining: draining,
	})
	server := httptest.NewServer(s.api.Handler())
	s.url = server.URL
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(draining) })
	own(t, halls.Run, announcer.Run, s.api.Run, s.saga(log).Run, func(ctx context.Context) error { return move.Run(ctx, db.Moves(), venues, log) })
	return s
}

// saga is the worker's, with the real simulator of the payment provider.
func (s *scene) saga(log *slog.Logger) *saga.Runner {
	t := s.t
	bank, err := provider.Open(provider.Config{
		Journal: filepath.Join(t.TempDir(), "journal"), Key: "key", Webhook: s.url + "/api/webhooks/payments", Secret: secret,
		Log: log, Draining: make(chan struct{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(bank.Handler())
	pay, err := payclient.Open(payclient.Config{URL: server.URL, Key: "key"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- bank.Run(ctx) }()
	t.Cleanup(func() {
		pay.Close()
		cancel()
		<-ended
		server.Close()
		if err := bank.Close(); err != nil {
			t.Error(err)
		}
	})
	return &saga.Runner{
		Store: s.db.Saga(), AtOnce: 4, LeaseFor: 20 * time.Second, Log: log,
		Observe: func(tickets.OrderState, saga.What, time.Duration) {},
		Steps:   saga.Steps{Claims: s.claims, Provider: pay, PayWithin: time.Minute, Now: time.Now},
	}
}

// A call is a request to be made.
type call struct {
	method, path string
	session      string
	key          string // of idempotency; a POST gets a new one when it is empty, none when it is "-"
	body         string
	header       map[string]string
}

// An answer is what came back, the body read.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

func (a answer) into(v any) {
	a.t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		a.t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
}

// problem is the body as a problem, checked to agree with the status line.
func (a answer) problem() problem.Problem {
	a.t.Helper()
	var p problem.Problem
	a.into(&p)
	if p.Status != a.status || p.Detail == "" || p.Title == "" || a.header.Get("Content-Type") != problem.ContentType {
		a.t.Errorf("status %d, but the problem is %s", a.status, a.body)
	}
	return p
}

func (s *scene) request(c call) *http.Request {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), c.method, s.url+c.path, strings.NewReader(c.body))
	if err != nil {
		s.t.Fatal(err)
	}
	if c.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.key == "" && c.method == http.MethodPost {
		c.key = rand.Text()
	}
	if c.key != "" && c.key != "-" {
		req.Header.Set("Idempotency-Key", c.key)
	}
	if c.session != "" {
		req.Header.Set("Authorization", "Bearer "+c.session)
	}
	for name, value := range c.header {
		req.Header.Set(name, value)
	}
	return req
}

// do sends the request, and checks the answer against the OpenAPI file.
func (s *scene) do(c call) answer {
	s.t.Helper()
	req := s.request(c)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(content))
	checkAnswer(s.t, req, resp)
	return answer{s.t, resp.StatusCode, resp.Header, content}
}

// must does what has to succeed.
func (s *scene) must(want int, c call, into any) answer {
	s.t.Helper()
	a := s.do(c)
	if a.status != want {
		s.t.Fatalf("%s %s %s: %d %s, want %d", c.method, c.path, c.body, a.status, a.body, want)
	}
	if into != nil {
		a.into(into)
	}
	return a
}

func (s *scene) session(role string) string {
	s.t.Helper()
	var session struct{ Token string }
	s.must(201, call{method: "POST", path: "/api/session", body: `{"role":"` + role + `","secret":"` + role + `'s"}`}, &session)
	return session.Token
}

// event opens one in the theatre that is on sale, with some of it changed, and
// returns its path.
func (s *scene) event(change string) string {
	s.t.Helper()
	path := "/api/events/" + strings.ToLower(rand.Text()[:8])
	event := map[string]any{
		"name": "A play", "venue": "theatre", "starts": "2099-01-01T00:00:00Z", "onSale": "2020-01-01T00:00:00Z", "currency": "EUR",
		"prices": map[string]int{"1": 1000, "2": 500}, "perAccount": 4, "holdFor": 60, "maxHold": 600,
	}
	if err := json.Unmarshal([]byte(change), &event); err != nil {
		s.t.Fatal(err)
	}
	body, err := json.Marshal(event)
	if err != nil {
		s.t.Fatal(err)
	}
	s.must(200, call{method: "PUT", path: path, session: s.session("organiser"), body: string(body)}, nil)
	return path
}

type hold struct {
	Hold          string
	Seats         []struct{ Seat string }
	Total         int
	Until, Latest time.Time
}

func (h hold) names() string {
	var names []string
	for _, s := range h.Seats {
		names = append(names, s.Seat)
	}
	return strings.Join(names, " ")
}

func (s *scene) hold(event, session, body string) hold {
	s.t.Helper()
	var h hold
	s.must(201, call{method: "POST", path: event + "/holds", session: session, body: body}, &h)
	return h
}

type order struct {
	ID, State, Reason string
	Total             int
	Ended             bool
	Lines             []struct {
		Seat     string
		Refunded bool
	}
	Tickets []struct {
		Serial, Seat string
		Revoked      bool
	}
}

// buy orders a hold and waits until the order is in that state.
func (s *scene) buy(event, session, source string, h hold, state string) order {
	s.t.Helper()
	var o order
	s.must(202, call{method: "POST", path: event + "/orders", session: session, body: `{"hold":"` + h.Hold + `","source":"` + source + `"}`}, &o)
	return s.await(session, o.ID, state)
}

func (s *scene) await(session, id, state string) (o order) {
	s.t.Helper()
	testenv.Eventually(s.t, time.Minute, "order "+id+" is "+state, func() bool {
		o = order{}
		s.must(200, call{method: "GET", path: "/api/orders/" + id, session: session}, &o)
		return o.State == state
	})
	return o
}

// shown is how many seats the event shows as held and sold.
func (s *scene) shown(event string) (held, sold int) {
	s.t.Helper()
	var seats struct{ Rows map[string][]string }
	s.must(200, call{method: "GET", path: event + "/seats"}, &seats)
	for _, rows := range seats.Rows {
		for _, row := range rows {
			held += strings.Count(row, "h")
			sold += strings.Count(row, "s")
		}
	}
	return held, sold
}

// tellAll tells the fans what has become of their orders, as a worker does.
func (s *scene) tellAll() {
	s.t.Helper()
	for sent := 1; sent > 0; {
		var err error
		if sent, err = s.db.Saga().Send(s.t.Context(), 1000, heard{saga.Notify(s.db.Saga())}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// heard is a saga.Log whose one reader reads at once.
type heard struct {
	handle func(context.Context, saga.Event) error
}

func (l heard) Append(ctx context.Context, events []saga.Event) error {
	for _, e := range events {
		if err := l.handle(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

func (heard) Follow(context.Context, string, func(context.Context, saga.Event) error) error {
	return errors.ErrUnsupported
}
