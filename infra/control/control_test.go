package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"designkits/shared/testenv"

	"go.uber.org/goleak"

	"designkits/infra/backend"
	"designkits/infra/engine"
	"designkits/infra/launch"
	"designkits/infra/supervise"
	"designkits/shared/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bell is no server, only a process to be started and stopped.
func bell(name string, ready func(context.Context) error) backend.Backend {
	if ready == nil {
		ready = func(context.Context) error { return nil }
	}
	return backend.Backend{
		Name: name, Version: "1", Ports: []backend.Port{{Name: "bell", Number: 7000}}, Memory: 1 << 20,
		Units: func(site backend.Site) ([]supervise.Spec, error) {
			return []supervise.Spec{{Name: name, Command: []string{"sleep", "600"}, Dir: site.Data, Ready: ready, Address: site.Addr("bell")}}, nil
		},
	}
}

func serve(t *testing.T, backends ...backend.Backend) (Client, *launch.Launcher) {
	t.Helper()
	place := engine.Place{Root: t.TempDir(), State: t.TempDir(), Cache: t.TempDir()}
	l, err := launch.Open(place, engine.Native{Place: place}, 0, backends)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Serve(l, "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Close(context.Background()), l.Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	record, err := Find(place.State)
	if err != nil || record.Pid != os.Getpid() || record.Mode != "test" {
		t.Fatalf("Find: %+v, %v", record, err)
	}
	return Dial(record.Socket), l
}

func state(t *testing.T, c Client, name string) string {
	t.Helper()
	list, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if s.Name == name {
			return s.State
		}
	}
	return "unknown"
}

// A diary keeps the kinds of events.
type diary struct {
	mu    sync.Mutex
	kinds []string
}

func (d *diary) tell(e launch.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kinds = append(d.kinds, e.Kind+" "+e.Name)
}

func (d *diary) has(entry string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Contains(d.kinds, entry)
}

func TestAHeldStartIsStoppedWhenLetGoOf(t *testing.T) {
	c, _ := serve(t, bell("one", nil), bell("two", nil))
	kept, err := c.Start(t.Context(), launch.Request{Backends: []string{"one"}}, false, false)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := kept.AwaitUp(func(launch.Event) {}); err != nil || !slices.Equal(r.Started, []string{"one"}) {
		t.Fatalf("%+v, %v", r, err)
	}
	_ = kept.Close()

	var seen diary
	held, err := c.Start(t.Context(), launch.Request{Backends: []string{"one", "two"}}, true, false)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	r, err := held.AwaitUp(seen.tell)
	if err != nil || !slices.Equal(r.Started, []string{"two"}) {
		t.Fatalf("%+v, %v", r, err)
	}
	if !seen.has("up two") || seen.has("up one") {
		t.Errorf("events: %v", seen.kinds)
	}
	ended := make(chan error, 1)
	go func() { ended <- held.AwaitEnd(seen.tell) }()
	// Faults show while it is held.
	if err := c.Pause(t.Context(), "two"); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 20*time.Second, "the pause is told", func() bool { return seen.has("paused two") })
	if err := held.Release(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if one, two := state(t, c, "one"), state(t, c, "two"); one != "ready" || two != "stopped" {
		t.Errorf("one is %s, two is %s", one, two)
	}
}

func TestAClientThatVanishesLetsGo(t *testing.T) {
	c, _ := serve(t, bell("one", nil))
	held, err := c.Start(t.Context(), launch.Request{Backends: []string{"one"}}, true, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := held.AwaitUp(func(launch.Event) {}); err != nil {
		t.Fatal(err)
	}
	_ = held.Close()
	testenv.Eventually(t, 20*time.Second, "it is stopped", func() bool { return state(t, c, "one") == "stopped" })
}

func TestAStartThatIsCalledOffLeavesNothing(t *testing.T) {
	never := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	c, _ := serve(t, bell("one", nil), bell("slow", never))
	ctx, cancel := context.WithCancel(t.Context())
	start, err := c.Start(ctx, launch.Request{Backends: []string{"one", "slow"}}, false, false)
	if err != nil {
		t.Fatal(err)
	}
	defer start.Close()
	testenv.Eventually(t, 20*time.Second, "it is starting", func() bool { return state(t, c, "slow") == "starting" })
	cancel()
	testenv.Eventually(t, 20*time.Second, "both are stopped", func() bool { return state(t, c, "one") == "stopped" && state(t, c, "slow") == "stopped" })
}

func TestFailuresCarryTheExitCode(t *testing.T) {
	huge := bell("huge", nil)
	huge.Memory = 1 << 60
	broken := bell("broken", nil)
	broken.Units = func(site backend.Site) ([]supervise.Spec, error) {
		return []supervise.Spec{{Name: "broken", Command: []string{"sh", "-c", "echo why; exit 1"}, Dir: site.Data,
			Ready: func(context.Context) error { return errors.New("no answer") }}}, nil
	}
	full := bell("full", nil)
	full.Units = func(backend.Site) ([]supervise.Spec, error) { return nil, fmt.Errorf("write it: %w", syscall.ENOSPC) }
	c, _ := serve(t, huge, broken, full)
	for name, exit := range map[string]int{"huge": launch.ExitEnvironment, "broken": launch.ExitFailed,
		"nosuch": launch.ExitUsage, "full": launch.ExitEnvironment} {
		start, err := c.Start(t.Context(), launch.Request{Backends: []string{name}}, false, false)
		if err != nil {
			t.Fatal(err)
		}
		_, err = start.AwaitUp(func(launch.Event) {})
		var failed *Failure
		if !errors.As(err, &failed) || failed.Exit != exit {
			t.Errorf("%s: %v, want exit code %d", name, err, exit)
		}
		_ = start.Close()
	}
}

func TestRefusalsSayWhatIsWrong(t *testing.T) {
	c, _ := serve(t, bell("one", nil))
	start, err := c.Start(t.Context(), launch.Request{Backends: []string{"one"}}, false, false)
	if err != nil {
		t.Fatal(err)
	}
	defer start.Close()
	if _, err := start.AwaitUp(func(launch.Event) {}); err != nil {
		t.Fatal(err)
	}
	if err := c.Kill(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		code int
	}{{"nosuch", http.StatusNotFound}, {"", http.StatusNotFound}, {"one", http.StatusConflict}} {
		err := c.Kill(t.Context(), test.name)
		var refusal *fault.Refusal
		if !errors.As(err, &refusal) || refusal.Code != test.code || refusal.Reason == "" {
			t.Errorf("kill %q: %v, want %d", test.name, err, test.code)
		}
	}
	if err := c.Restart(t.Context(), "one"); err != nil {
		t.Error(err)
	}
	if s := state(t, c, "one"); s != "ready" {
		t.Errorf("one is %s", s)
	}
}

func TestNamespacesAreDroppedBehindWhoAsks(t *testing.T) {
	asked, dropped := make(chan struct{}), make(chan string)
	keeps := func(name string) backend.Backend {
		b := bell(name, nil)
		b.Drop = func(ctx context.Context, _ backend.Site, namespace string) error {
			<-asked // so that who asks can't have waited for it
			select {
			case dropped <- name + " " + namespace:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return b
	}
	c, l := serve(t, keeps("one"), keeps("away"), bell("keeps nothing", nil))
	if _, err := l.Launch(t.Context(), launch.Request{Backends: []string{"one", "keeps nothing"}}); err != nil {
		t.Fatal(err)
	}
	for _, namespace := range []string{"first", "second", "given up when the server ends"} {
		if err := c.Drop(t.Context(), namespace); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Drop(t.Context(), ""); err == nil {
		t.Error("everything would be dropped")
	}
	close(asked)
	got := []string{<-dropped, <-dropped}
	slices.Sort(got)
	for _, d := range got {
		if !slices.Contains([]string{"one first", "one second", "one given up when the server ends"}, d) || got[0] == got[1] {
			t.Errorf("dropped: %q", got)
		}
	}
}

func TestStopOfEverythingEndsTheServer(t *testing.T) {
	place := engine.Place{Root: t.TempDir(), State: t.TempDir(), Cache: t.TempDir()}
	l, err := launch.Open(place, engine.Native{Place: place}, 0, []backend.Backend{bell("one", nil)})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Serve(l, "up")
	if err != nil {
		t.Fatal(err)
	}
	socket := l.Control
	if info, err := os.Stat(filepath.Dir(socket)); err != nil || info.Mode().Perm() != 0o700 || len(socket) > 104 {
		t.Errorf("the socket %s is in a folder of mode %v (%v)", socket, info.Mode(), err)
	}
	if err := Dial(socket).Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.Done():
	case <-time.After(10 * time.Second):
		t.Error("the server isn't told to end")
	}
	if err := errors.Join(s.Close(t.Context()), l.Close(t.Context())); err != nil {
		t.Error(err)
	}
	if _, err := Find(place.State); !errors.Is(err, ErrNone) {
		t.Errorf("Find afterwards: %v", err)
	}
	if _, err := os.Stat(socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// What a killed kit has left is not taken for a running one.
func TestAStaleRecordIsNobody(t *testing.T) {
	folder := t.TempDir()
	start, err := supervise.StartTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := writeRecord(folder, Record{Pid: os.Getpid(), Start: start + 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(folder); !errors.Is(err, ErrNone) {
		t.Errorf("Find: %v", err)
	}
}
