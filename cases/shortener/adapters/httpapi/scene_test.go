package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"designkits/cases/shortener"
	"designkits/cases/shortener/adapters/cassandra"
	"designkits/cases/shortener/adapters/httpapi"
	"designkits/cases/shortener/adapters/kafka"
	"designkits/cases/shortener/adapters/redis"
	"designkits/cases/shortener/adapters/sse"
	"designkits/cases/shortener/clicks"
	"designkits/cases/shortener/codes"
	"designkits/cases/shortener/target"
	"designkits/cases/shortener/web"
	"designkits/shared/fault/link"
	"designkits/shared/leaktest"
	"designkits/shared/problem"
	"designkits/shared/testenv"
)

// studyPage is the origin that may show the page in a frame.
const studyPage = "http://127.0.0.1:8070"

// The tests share one keyspace, since making one takes seconds. Each has its
// own owners and codes, and its own part of Redis.
var shared struct {
	once      sync.Once
	db        *cassandra.DB
	err       error
	namespace string
}

func TestMain(m *testing.M) {
	status := m.Run()
	if shared.db != nil {
		shared.db.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	if err := leaktest.Find(); status == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func store(t *testing.T) *cassandra.DB {
	t.Helper()
	shared.once.Do(func() {
		shared.namespace = testenv.SharedNamespace(t)
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
		defer cancel()
		shared.db, shared.err = cassandra.Open(ctx, cassandra.Config{
			Hosts: []string{testenv.Addr(t, "cassandra")}, Keyspace: shared.namespace, Timeout: 10 * time.Second,
		})
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.db
}

// A scene is what the replicas of one test share.
type scene struct {
	t         *testing.T
	namespace string // in Redis
	redis     *link.Link
	live      *clicks.Live
	counts    *httptest.Server // what analytics serves
}

func newScene(t *testing.T) *scene {
	t.Helper()
	way, err := link.Open(testenv.Addr(t, "redis"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(way.Close)
	s := &scene{t: t, namespace: testenv.Namespace(t), redis: way, live: clicks.NewLive()}
	counts := &sse.Server{Live: s.live, State: func() clicks.Pipeline { return clicks.Pipeline{Job: clicks.JobRunning} }, Draining: make(chan struct{})}
	s.counts = httptest.NewServer(counts.Handler())
	t.Cleanup(s.counts.Close)
	return s
}

// options of a replica; the zero value is a sensible one for tests.
type options struct {
	breaker    shortener.BreakerConfig
	clock      func() time.Time
	perSecond  float64 // redirects of an address; 0 is no limit
	burst      int
	keys       shortener.Key
	keysPerDay int
	trusted    []netip.Prefix
	untold     int // changes that may wait for Redis; 0 is more than a test makes
}

// A replica is one api process, in this one.
type replica struct {
	*scene
	url      string
	resolver *shortener.Resolver
	system   *httpapi.System
	api      *httpapi.Server
	visits   *visits
}

// visits are the clicks that a replica has recorded.
type visits struct {
	mu  sync.Mutex
	all []clicks.Visit
}

func (v *visits) Record(visit clicks.Visit) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.all = append(v.all, visit)
}

func (v *visits) State() clicks.RecorderState { return clicks.RecorderState{Healthy: true} }

func (v *visits) taken() []clicks.Visit {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]clicks.Visit(nil), v.all...)
}

// codeKey is the key of all tests' codes.
const codeKey = "a key of the tests, of 32 bytes."

// public is where people reach the replicas of all tests.
var public = &url.URL{Scheme: "https", Host: "sho.rt"}

func (s *scene) replica(o options) *replica {
	t := s.t
	t.Helper()
	if o.clock == nil {
		o.clock = time.Now
	}
	if o.breaker.Deadline == 0 {
		o.breaker.Deadline = 20 * time.Second // the machine of the test may be busy
	}
	if o.keys == (shortener.Key{}) {
		o.keys = shortener.Key{Rate: 1000, Burst: 1000, LinksPerDay: 100_000}
	}
	if o.keysPerDay == 0 {
		o.keysPerDay = 1000
	}
	if o.untold == 0 {
		o.untold = 1000
	}
	db, log := store(t), slog.New(slog.DiscardHandler)
	client := redis.Open(s.redis.Addr(), s.namespace)
	breaker := shortener.NewBreaker(o.breaker)
	guarded, changes := shortener.GuardCache(client.Cache(), breaker), client.Changes(log)
	numbers, err := codes.NewPermutation([]byte(codeKey))
	if err != nil {
		t.Fatal(err)
	}
	links := db.Links(numbers)
	resolver := shortener.NewResolver(links, guarded, changes, shortener.ResolverConfig{Clock: o.clock, ReadWithin: 20 * time.Second})
	publisher := shortener.NewPublisher(resolver, client.Cache(), changes, o.untold)
	generator, err := codes.NewGenerator(t.Context(), []byte(codeKey), db.Ranges(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	blocked, err := target.DefaultBlocklist()
	if err != nil {
		t.Fatal(err)
	}
	limiter := shortener.NewFallbackLimiter(client.Limiter(), shortener.NewLocalLimiter(1000, o.clock), breaker)
	site, err := web.New()
	if err != nil {
		t.Fatal(err)
	}
	clickLog, err := kafka.NewClickLog([]string{testenv.Addr(t, "kafka")}, s.namespace)
	if err != nil {
		t.Fatal(err)
	}
	counts, err := url.Parse(s.counts.URL)
	if err != nil {
		t.Fatal(err)
	}
	r := &replica{scene: s, resolver: resolver, visits: &visits{}}
	r.system = &httpapi.System{
		Replica: "test", Started: time.Now().UTC(), Breaker: breaker, Changes: changes, Publisher: publisher,
		Resolver: resolver, Limiter: limiter, Recorder: r.visits,
		Redis: client.Ping, Cassandra: db.Ping, Kafka: clickLog.Ping,
	}
	draining := make(chan struct{})
	r.api = httpapi.New(httpapi.Config{
		Links: &shortener.Links{
			Store: links, Codes: generator, Publisher: publisher, Forget: db.Stats(),
			Erasers: []shortener.Eraser{links}, Clock: o.clock,
			Policy: target.Policy{OwnHosts: []string{public.Host}, Blocked: blocked},
		},
		Resolver: resolver, Stats: db.Stats(), Keys: db.Keys(), Visits: r.visits, Limiter: limiter,
		Gate: shortener.NewGate(o.perSecond, o.burst, 1000, o.clock), Site: site, System: r.system,
		PermanentFor: 24 * time.Hour,
		NewKeys:      o.keys, PerDay: o.keysPerDay, Public: public, FramedBy: studyPage, Trusted: o.trusted, Counts: counts,
		Log: log, Metrics: prometheus.NewRegistry(), Draining: draining, Clock: o.clock,
	})
	server := httptest.NewServer(r.api.Handler())
	r.url = server.URL

	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { _ = resolver.Follow(ctx) }) // ends with the context
	work.Go(func() { _ = publisher.Run(ctx) })
	t.Cleanup(func() {
		close(draining)
		server.Close()
		cancel()
		work.Wait()
		generator.Close()
		resolver.Close()
		_ = clickLog.Close(context.Background())
		if err := client.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	testenv.Eventually(t, 20*time.Second, "changes are heard", changes.Live)
	return r
}

// An answer is what came back, the body read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// problem is the body as a problem, checked to agree with the status line.
func (a answer) problem(t *testing.T) problem.Problem {
	t.Helper()
	var p problem.Problem
	if err := json.Unmarshal(a.body, &p); err != nil || a.header.Get("Content-Type") != problem.ContentType {
		t.Fatalf("%d %s is no problem: %s", a.status, a.header.Get("Content-Type"), a.body)
	}
	if p.Status != a.status || p.Detail == "" || p.Title == "" {
		t.Errorf("status %d, but the problem is %s", a.status, a.body)
	}
	return p
}

func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
}

// A call is a request to be made.
type call struct {
	method, path string
	key          string
	kind         string // of the body; JSON when empty
	body         string
	header       http.Header
}

// do sends the request, and checks request and answer against the OpenAPI file.
func (r *replica) do(c call) answer {
	r.t.Helper()
	a, err := r.try(c)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

var calls atomic.Int64

func (r *replica) try(c call) (answer, error) {
	var body io.Reader
	if c.body != "" {
		body = strings.NewReader(c.body)
	}
	req, err := http.NewRequestWithContext(r.t.Context(), c.method, r.url+c.path, body)
	if err != nil {
		return answer{}, err
	}
	if c.header != nil {
		req.Header = c.header.Clone()
	}
	if c.body != "" && c.kind == "" {
		c.kind = "application/json"
	}
	if c.kind != "" {
		req.Header.Set("Content-Type", c.kind)
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	calls.Add(1)
	resp, err := noRedirects.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(content))
	checkAnswer(r.t, req, resp)
	return answer{resp.StatusCode, resp.Header, content}, nil
}

var noRedirects = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     http.DefaultTransport,
}

// newKey makes an API key as anybody would.
func (r *replica) newKey() string {
	r.t.Helper()
	var made struct{ Key string }
	a := r.do(call{method: "POST", path: "/api/keys"})
	if a.status != http.StatusCreated {
		r.t.Fatalf("POST /api/keys: %d %s", a.status, a.body)
	}
	a.into(r.t, &made)
	return made.Key
}

// made is a link as the API gives it.
type made struct {
	Code, Short, Target string
	Created, Expires    time.Time
	Permanent           bool
}

// create makes a link from a JSON object and returns it.
func (r *replica) create(key, body string) made {
	r.t.Helper()
	a := r.do(call{method: "POST", path: "/api/links", key: key, body: body})
	if a.status != http.StatusCreated {
		r.t.Fatalf("create %s: %d %s", body, a.status, a.body)
	}
	var l made
	a.into(r.t, &l)
	return l
}

// location follows a code and returns where it leads, or the status.
func (r *replica) location(code string) string {
	r.t.Helper()
	a := r.do(call{method: "GET", path: "/" + code})
	if at := a.header.Get("Location"); at != "" {
		return at
	}
	return fmt.Sprint(a.status)
}

// alias makes one that no other test has.
func alias(prefix string) string {
	return fmt.Sprintf("%s-%x", prefix, time.Now().UnixNano())
}

// testKey is a key with so many requests at once and hardly any later.
func testKey(burst int) shortener.Key {
	return shortener.Key{Rate: 0.01, Burst: burst, LinksPerDay: 100_000}
}
