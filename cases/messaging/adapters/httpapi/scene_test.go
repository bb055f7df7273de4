package httpapi_test

import (
	"bytes"
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

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/cassandra"
	"designkits/cases/messaging/adapters/httpapi"
	"designkits/cases/messaging/adapters/redis"
	"designkits/cases/messaging/identity"
	"designkits/shared/cql"
	"designkits/shared/leaktest"
	"designkits/shared/openapitest"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// keyspace is the one that the tests share: making its tables takes longest.
var keyspace = struct {
	sync.Once
	name string
}{}

// A scene is one server on real stores, in this process.
type scene struct {
	t         *testing.T
	url       string
	described openapitest.File
	tokens    identity.Tokens
	signOuts  messaging.SignOuts
}

// generous are limits that no test but those of the limits reaches.
var generous = httpapi.Limits{
	AccountsAnHour: 1000, CodesAMinute: 1000, LookUpsAMinute: 1000, LookUpsOfManyAMinute: 1000,
	ClaimsAMinute: 1000, ClaimsOfOneHour: 1000, PublishesAnHour: 1000, UploadsAnHour: 1000,
}

// openDB connects to the keyspace that the tests share.
func openDB(t *testing.T) *cassandra.DB {
	t.Helper()
	keyspace.Do(func() { keyspace.name = testenv.SharedNamespace(t) })
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	db, err := cassandra.Open(ctx, cassandra.Config{
		Config: cql.Config{Hosts: []string{testenv.Addr(t, "cassandra")}, Keyspace: keyspace.name}, Timeout: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// configure returns what all APIs need, and Redis.
func configure(t *testing.T, limits httpapi.Limits) (httpapi.Config, *redis.Client) {
	t.Helper()
	client := redis.Open(testenv.Addr(t, "redis"), testenv.Namespace(t))
	t.Cleanup(func() {
		if err := client.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	quiet := slog.New(slog.DiscardHandler)
	return httpapi.Config{
		Tokens:   identity.Tokens{Secret: []byte("of the tests, 32 bytes long it is"), Now: time.Now},
		SignOuts: client.SignOuts(quiet), Attempts: client.Attempts(), Counter: client, Limits: limits,
		Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Log: quiet, Metrics: prometheus.NewRegistry(),
	}, client
}

func serve(t *testing.T, cfg httpapi.Config, described openapitest.File, handler http.Handler) *scene {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		server.Close()
	})
	return &scene{t: t, url: server.URL, described: described, tokens: cfg.Tokens, signOuts: cfg.SignOuts}
}

func newKeys(t *testing.T, limits httpapi.Limits) *scene {
	t.Helper()
	db := openDB(t)
	cfg, client := configure(t, limits)
	keys, err := httpapi.NewKeys(httpapi.KeysConfig{Config: cfg, Accounts: db.Accounts(), Prekeys: db.Prekeys(), LinkCodes: client.LinkCodes(), Presence: db.PresenceSettings()})
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, cfg, openapitest.Of(httpapi.KeysOpenAPI), keys.Handler())
}

// An answer is what a server says.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	text   string
}

// ask asks with a token, and headers as pairs. Each answer is held against the
// OpenAPI file.
func (s *scene) ask(token, method, path, body string, headers ...string) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if path != "/api/nothing" { // asked for in vain
		resp.Body = io.NopCloser(bytes.NewReader(text))
		s.described.CheckAnswer(s.t, req, resp)
	}
	return answer{s.t, resp.StatusCode, resp.Header, string(text)}
}

// want fails unless the answer has the status, and a problem of the type.
func (a answer) want(status int, slug string) answer {
	a.t.Helper()
	var p struct{ Type string }
	if slug != "" {
		a.into(&p)
	}
	if a.status != status || slug != "" && p.Type != "/problems/"+slug {
		a.t.Fatalf("%d %s, want %d %s", a.status, a.text, status, slug)
	}
	return a
}

func (a answer) into(v any) {
	a.t.Helper()
	if err := json.Unmarshal([]byte(a.text), v); err != nil {
		a.t.Fatalf("%d %s: %v", a.status, a.text, err)
	}
}

// A signedIn is a device with its token.
type signedIn struct {
	User   messaging.UserID
	Device messaging.Address
	Token  string
	Name   string
}

func linkedOf(a answer) signedIn {
	a.t.Helper()
	var d signedIn
	a.want(http.StatusCreated, "").into(&d)
	return d
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
