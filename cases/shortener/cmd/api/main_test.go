package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"designkits/cases/shortener"
	"designkits/shared/servicetest"
	"designkits/shared/testenv"
)

// The process itself, on port 0, with each of its link stores.
func TestTheProcessServesAndStops(t *testing.T) {
	for _, store := range []string{"cassandra", "dynamodb"} {
		t.Run(store, func(t *testing.T) { serveAndStop(t, store) })
	}
}

// serveAndStop makes a link, follows, changes, lists and deletes it.
func serveAndStop(t *testing.T, store string) {
	p := servicetest.Start(t, "api", run, map[string]string{
		"LISTEN": "127.0.0.1:0", "PUBLIC_URL": "https://sho.rt", "REDIS": testenv.Addr(t, "redis"),
		"CASSANDRA": testenv.Addr(t, "cassandra"), "KAFKA": testenv.Addr(t, "kafka"), "NAMESPACE": testenv.Namespace(t),
		"CODE_KEY": "a key of the tests, of 32 bytes.", "SPOOL": t.TempDir(), "ANALYTICS": "http://127.0.0.1:1",
		"REPLICA": "tested", "STORE": store, "DYNAMODB": testenv.Addr(t, "dynamodb"),
	})
	ctx, base := t.Context(), p.URL
	ask := func(method, path, key, body string, want int, into any) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(ctx, method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if key != "" {
			req.Header.Set("Authorization", "Bearer "+key)
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != want {
			t.Fatalf("%s %s: %s, want %d", method, path, resp.Status, want)
		}
		if into != nil {
			if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
				t.Fatal(err)
			}
		}
		return resp
	}
	ask("GET", "/readyz", "", "", 200, nil)
	ask("GET", "/metrics", "", "", 200, nil)
	ask("GET", "/", "", "", 200, nil)
	var key struct{ Key string }
	ask("POST", "/api/keys", "", "", 201, &key)
	var link struct{ Code, Short string }
	ask("POST", "/api/links", key.Key, `{"target":"https://example.com/"}`, 201, &link)
	if link.Short != "https://sho.rt/"+link.Code {
		t.Errorf("the short address is %s", link.Short)
	}
	if at := ask("GET", "/"+link.Code, "", "", 302, nil).Header.Get("Location"); at != "https://example.com/" {
		t.Errorf("it leads to %s", at)
	}
	follow := func(code string, want int, to string) {
		t.Helper()
		if at := ask("GET", "/"+code, "", "", want, nil).Header.Get("Location"); at != to {
			t.Errorf("/%s leads to %q, want %q", code, at, to)
		}
	}
	ask("PATCH", "/api/links/"+link.Code, key.Key, `{"target":"https://example.org/changed"}`, 200, nil)
	follow(link.Code, 302, "https://example.org/changed")
	ask("POST", "/api/links", key.Key, `{"target":"https://example.com/bank","alias":"my-bank"}`, 201, nil)
	follow("my-bank", 302, "https://example.com/bank")
	ask("POST", "/api/links", key.Key, `{"target":"https://example.com/","alias":"rny_Bank"}`, 409, nil)
	var list struct{ Links []struct{ Code string } }
	ask("GET", "/api/links?owner=me", key.Key, "", 200, &list)
	if len(list.Links) != 2 || list.Links[0].Code != "my-bank" || list.Links[1].Code != link.Code {
		t.Errorf("the owner's links are %+v, want the alias and %s", list, link.Code)
	}
	for _, code := range []string{link.Code, "my-bank"} {
		ask("DELETE", "/api/links/"+code, key.Key, "", 204, nil)
		follow(code, 404, "")
	}
	var system struct {
		Replica                 string
		Redis, Cassandra, Kafka struct{ Up bool }
	}
	testenv.Eventually(t, time.Minute, "the replica finds all of its backends up", func() bool {
		ask("GET", "/api/system", "", "", 200, &system)
		return system.Replica == "tested" && system.Redis.Up && system.Cassandra.Up && system.Kafka.Up
	})
	metrics := text(t, base+"/metrics")
	for _, name := range alertedBy(t) {
		if !strings.Contains(metrics, "# TYPE "+name+" ") {
			t.Errorf("DESIGN.md has an alert by %s, which the process doesn't export", name)
		}
	}
	p.Stop()
}

func text(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// alertedBy are the metrics of this process in the alerts of DESIGN.md.
func alertedBy(t *testing.T) (names []string) {
	t.Helper()
	doc, err := os.ReadFile("../../DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	_, alerts, _ := strings.Cut(string(doc), "```promql\n")
	alerts, _, _ = strings.Cut(alerts, "```")
	for _, name := range regexp.MustCompile(`shortener_\w+`).FindAllString(alerts, -1) {
		name = strings.TrimSuffix(strings.TrimSuffix(name, "_count"), "_bucket") // of a histogram
		if !strings.HasPrefix(name, "shortener_pipeline_") {                     // analytics'
			names = append(names, name)
		}
	}
	if len(names) < 6 {
		t.Errorf("the alerts are by %v", names)
	}
	return names
}

func TestWhatStoresFailIsCounted(t *testing.T) {
	var f failures
	for _, err := range []error{nil, shortener.ErrNotFound, &shortener.Invalid{}, context.Canceled, errors.New("away"), context.DeadlineExceeded} {
		f.observe("put link", time.Second, err)
	}
	if n := f.n.Load(); n != 2 {
		t.Errorf("%d failures are counted, want 2", n)
	}
}

func TestTheConfigurationSaysWhatIsMissing(t *testing.T) {
	t.Setenv("PUBLIC_URL", "sho.rt")
	_, err := readConfig()
	if err == nil || !strings.Contains(err.Error(), "CODE_KEY") {
		t.Errorf("%v", err)
	}
}

func TestTheStoreOfLinksIsOneThatThereIs(t *testing.T) {
	for _, c := range []struct {
		cfg  config
		want string
	}{
		{config{Store: "postgres"}, "cassandra or in dynamodb"},
		{config{Store: "dynamodb"}, "DYNAMODB"},
	} {
		if err := c.cfg.checkStore(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.cfg, err)
		}
	}
}

func TestReplicasHaveNames(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for listen, want := range map[string]string{
		"127.0.0.1:8101": "127.0.0.1:8101", "api-1:80": "api-1:80", ":8101": host + ":8101", "0.0.0.0:8101": host + ":8101", "[::]:1": host + ":1",
	} {
		if got, err := replicaName(listen); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", listen, got, err, want)
		}
	}
	if _, err := replicaName("8101"); err == nil {
		t.Error("a bare port passes")
	}
}
