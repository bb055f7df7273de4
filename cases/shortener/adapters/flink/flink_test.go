package flink

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"designkits/cases/shortener/adapters/kafka"
	"designkits/cases/shortener/clicks"
	"designkits/shared/leaktest"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestTheNewestCompletedCheckpointIsFound(t *testing.T) {
	dir := t.TempDir()
	if _, found, err := newestCheckpoint(filepath.Join(dir, "none")); found || err != nil {
		t.Fatalf("found %v, %v in no folder", found, err)
	}
	at := time.Now().Add(-time.Hour)
	make := func(path string, complete bool) {
		t.Helper()
		full := filepath.Join(dir, path)
		if err := os.MkdirAll(full, 0o755); err != nil {
			t.Fatal(err)
		}
		name := "_metadata"
		if !complete {
			name = "half"
		}
		if err := os.WriteFile(filepath.Join(full, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Second)
		if err := os.Chtimes(filepath.Join(full, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		path     string
		complete bool
		want     string
	}{
		{"one/chk-9", true, "one/chk-9"},
		{"one/chk-10", true, "one/chk-10"},
		{"one/chk-11", false, "one/chk-10"}, // was being written when the job died
		{"one/shared", true, "one/chk-10"},
		{"two/chk-11", true, "two/chk-11"},   // restored, and went on
		{"three/chk-1", true, "three/chk-1"}, // began anew, by hand
	} {
		make(step.path, step.complete)
		got, found, err := newestCheckpoint(dir)
		if err != nil || !found || got.path != filepath.Join(dir, step.want) {
			t.Errorf("after %s: %s %v %v, want %s", step.path, got.path, found, err, step.want)
		}
	}
	if err := dropOthers(dir, "two"); err != nil {
		t.Fatal(err)
	}
	if got, _, _ := newestCheckpoint(dir); got.job != "two" {
		t.Errorf("after the others were dropped: %+v", got)
	}
}

func TestTheSQLTakesNoForeignText(t *testing.T) {
	good := Config{Namespace: "dev", Brokers: "127.0.0.1:9092,[::1]:9092", ClicksTopic: "dev.clicks", IncrementsTopic: "dev.increments"}
	all, err := statements(good)
	if err != nil || !strings.Contains(all[len(all)-1], "INSERT INTO increments") || strings.Contains(strings.Join(all, ""), "{{") {
		t.Fatalf("%v in %q", err, all)
	}
	for _, bad := range []string{"", "it's", "a b", "x\ny", `"`} {
		broken := good
		broken.Brokers = bad
		if _, err := New(broken); err == nil {
			t.Errorf("%q was taken into the SQL", bad)
		}
	}
}

// See clicks.sql: clicks that were judged on time would be dropped behind the
// windows' backs, rarely and only after a pause of the whole log.
func TestNoSourceMayCountAsIdle(t *testing.T) {
	c := Config{Namespace: "dev", Brokers: "127.0.0.1:9092", ClicksTopic: "dev.clicks", IncrementsTopic: "dev.increments"}
	all, err := statements(c)
	if err != nil {
		t.Fatal(err)
	}
	for key := range options(c, "") {
		all = append(all, key)
	}
	for _, s := range all {
		if strings.Contains(s, "idle-timeout") {
			t.Errorf("an idle timeout is set in: %s", s)
		}
	}
}

func TestTheRootCauseOfAStackTraceIsOneLine(t *testing.T) {
	trace := "org.example.Outer: failed\n\tat x\nCaused by: org.example.Middle: y\n\tat z\nCaused by: java.net.ConnectException: refused\n\tat w\n"
	if got := rootCause(trace); got != "java.net.ConnectException: refused" {
		t.Errorf("%q", got)
	}
	if got := rootCause("Internal server error."); got != "Internal server error." {
		t.Errorf("%q", got)
	}
}

func TestWithoutFlinkTheStateSaysSoAndRunEndsWithItsContext(t *testing.T) {
	p, err := New(Config{
		Namespace: "none", Gateway: "http://127.0.0.1:1", REST: "http://127.0.0.1:1", Brokers: "127.0.0.1:1",
		ClicksTopic: "none.clicks", IncrementsTopic: "none.increments", Checkpoints: t.TempDir(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- p.Run(t.Context()) }()
	until(t, time.Minute, func() bool {
		s := p.State()
		return s.Job == clicks.JobAway && strings.Contains(s.Reason, "connection refused")
	})
	t.Cleanup(func() { // the test's context has ended by then
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// The state of one SQL doesn't fit another's. Nothing must be started then:
// neither with half of the state nor with none.
func TestAChangedSQLIsRefusedAndSaysWhatToDo(t *testing.T) {
	namespace, brokers := testenv.Namespace(t), testenv.Addr(t, "kafka")
	topics := kafka.TopicsOf(namespace)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	increments := kafka.NewIncrements([]string{brokers}, namespace, log)
	open := func() *Pipeline {
		p, err := New(Config{
			Namespace: namespace, Gateway: "http://" + testenv.Addr(t, "flink.sql"), REST: "http://" + testenv.Addr(t, "flink.rest"), Brokers: brokers,
			ClicksTopic: topics.Clicks, IncrementsTopic: topics.Increments, Checkpoints: filepath.Join(testenv.Data(t, "flink"), "checkpoints"),
			Counted: increments.Counted, Log: log,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			p.gateway.close()
			p.jobs.close()
		})
		return p
	}
	p := open()
	cancel := func() {
		until(t, 2*time.Minute, func() bool {
			job, err := p.find(t.Context())
			if err == nil && job != nil {
				_ = p.jobs.call(t.Context(), "PATCH", "/jobs/"+job.ID+"?mode=cancel", nil, nil) // asked again while it is there
			}
			return err == nil && job == nil
		})
	}
	until(t, 4*time.Minute, func() bool {
		p.step(t.Context())
		return p.State().Job == clicks.JobRunning
	})
	cancel()

	was := clicksSQL
	defer func() { clicksSQL = was }()
	clicksSQL = strings.Replace(was, "PARTITION BY `code`, `visitor`", "PARTITION BY `visitor`, `country`, `code`", 1)
	if clicksSQL == was {
		t.Fatal("the SQL was not changed: the test proves nothing")
	}
	p = open()
	until(t, 4*time.Minute, func() bool {
		p.step(t.Context())
		return p.State().Job != clicks.JobAway && p.State().Job != clicks.JobStarting
	})
	state := p.State()
	t.Logf("%s", state.Reason)
	if fingerprint(was) != fingerprint(strings.ReplaceAll(was, "\n", " -- a word\n  ")) {
		t.Error("comments and spaces make it another SQL")
	}
	if state.Job != clicks.JobRefused || !strings.Contains(state.Reason, "SQL has changed") || !strings.Contains(state.Reason, "kit reset") {
		t.Errorf("%+v", state)
	}
	if job, err := p.find(t.Context()); job != nil || err != nil {
		t.Errorf("a job runs: %+v, %v", job, err)
		cancel()
	}
}

func until(t *testing.T, within time.Duration, holds func() bool) {
	t.Helper()
	deadline := time.After(within)
	every := time.NewTicker(200 * time.Millisecond)
	defer every.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("not within %s", within)
		case <-every.C:
		}
	}
}
