package sse_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/adapters/sse"
	"designkits/cases/shortener/clicks"
	"designkits/shared/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// serve returns the API, the Live behind it, and how to begin the stop.
func serve(t *testing.T) (url string, live *clicks.Live, drain func()) {
	t.Helper()
	live, draining := clicks.NewLive(), make(chan struct{})
	s := &sse.Server{Live: live, Draining: draining, State: func() clicks.Pipeline {
		return clicks.Pipeline{Job: clicks.JobAway, Reason: "Flink is not there"}
	}}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL, live, func() { close(draining) }
}

func get(t *testing.T, url string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// event reads the next event of a stream, or its end.
func event(lines *bufio.Scanner) (name, data string) {
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case key == "event":
			name = value
		case key == "data":
			data = value
		case lines.Text() == "":
			return name, data
		}
	}
	return "", ""
}

func publish(live *clicks.Live, code shortener.Code, minute time.Time, value string) {
	var batch []clicks.Positioned
	for dimension, v := range map[clicks.Dimension]string{clicks.Total: "", clicks.Referrer: value} {
		batch = append(batch, clicks.Positioned{Increment: clicks.Increment{
			Code: code, Minute: minute, Dimension: dimension, Value: v, Counts: clicks.Counts{Clicks: 1, Visitors: 1},
		}})
	}
	live.Publish(batch)
}

func TestAStreamBeginsWithTheStateAndGoesOnWithWhatIsCounted(t *testing.T) {
	url, live, drain := serve(t)
	resp := get(t, url+"/api/links/abc1234/live")
	lines := bufio.NewScanner(resp.Body)
	if name, data := event(lines); name != "state" || !strings.Contains(data, `"job":"away"`) {
		t.Fatalf("%s %s", name, data)
	}
	minute := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	publish(live, "abc1234", minute, "a \"quoted\"\nhost")
	name, data := event(lines)
	for name == "state" { // comes again and again
		name, data = event(lines)
	}
	var update clicks.Update
	if err := json.Unmarshal([]byte(data), &update); err != nil || name != "increment" {
		t.Fatalf("%s %s: %v", name, data, err)
	}
	if !update.Minute.Equal(minute) || update.Clicks != 1 || update.By[clicks.Referrer]["a \"quoted\"\nhost"].Visitors != 1 {
		t.Errorf("%s", data)
	}
	drain()
	for name != "reconnect" {
		if name, _ = event(lines); name == "" {
			t.Fatal("the stream ended without a word")
		}
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Errorf("the stream did not end well: %v", err)
	}
}

func TestAPageThatDoesNotReadIsLetGo(t *testing.T) {
	url, live, _ := serve(t)
	resp := get(t, url+"/api/links/slow/live")
	deadline, minute := time.After(60*time.Second), time.Now().Truncate(time.Minute)
	every := time.NewTicker(5 * time.Millisecond)
	defer every.Stop()
	for n := 0; live.Watchers() > 0; n++ { // nothing is read meanwhile
		for i := range 500 {
			publish(live, "slow", minute, fmt.Sprintf("%d-%d-%s", n, i, strings.Repeat("x", 1000)))
		}
		select {
		case <-deadline:
			t.Fatal("the page is still waited for")
		case <-every.C:
		}
	}
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Log("it was told to connect again")
	}
}

func TestThePipelineIsJSONAndUnknownPathsAreNotFound(t *testing.T) {
	url, _, _ := serve(t)
	resp := get(t, url+"/api/pipeline")
	var p clicks.Pipeline
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil || p.Job != clicks.JobAway || p.Reason == "" {
		t.Errorf("%+v, %v", p, err)
	}
	if resp := get(t, url+"/api/other"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("%s", resp.Status)
	}
}
