package launch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"designkits/infra/backend"
	"designkits/infra/engine"
	"designkits/infra/provision"
	"designkits/infra/supervise"
	"designkits/infra/topology"
	"designkits/shared/hold"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A scene is a launcher over processes that only sleep, with a small case.
type scene struct {
	*Launcher
	t       *testing.T
	dropped []string
}

const caseFile = `
title: Scene
backends: [store, stream, nginx]
page: http://${nginx}/
processes:
  web:
    port: 8101
    needs: [store]
    env: {STREAM: "${stream}", LISTEN: "${listen}"}
edge: edge.conf
variants:
  store:
    second:
      backends: [second]
      processes:
        web:
          needs: [second]
          env: {STORE: "${second}"}
`

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t}
	root := t.TempDir()
	dir := filepath.Join(root, "cases", "scene", "cmd", "web")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		"case.yaml": caseFile, "edge.conf": "server ${WEB};",
		"go.mod":          "module scene\n\ngo 1.26.0\n",
		"cmd/web/main.go": webProgram,
	} {
		if err := os.WriteFile(filepath.Join(root, "cases", "scene", path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GOWORK", "off")
	c, err := topology.Load(root, "scene")
	if err != nil {
		t.Fatal(err)
	}
	catalog := []backend.Backend{s.sleeper("store", 1), s.sleeper("stream", 3), s.sleeper("nginx", 1), s.sleeper("second", 1)}
	offset, release, err := FreeOffset(root, catalog, []topology.Case{c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	place := engine.Place{Root: root, State: filepath.Join(root, ".kit"), Cache: t.TempDir()}
	if s.Launcher, err = Open(place, engine.Native{Place: place}, offset, catalog); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

const webProgram = `package main

import "net/http"
import "os"

func main() {
	http.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	if err := http.ListenAndServe(os.Getenv("LISTEN"), nil); err != nil {
		os.Exit(1)
	}
}
`

// sleeper is a backend of so many processes.
func (s *scene) sleeper(name string, processes int) backend.Backend {
	return backend.Backend{
		Name: name, Version: "1", Memory: 1 << 20,
		Ports: []backend.Port{{Name: "main", Number: 7000 + len(name)}},
		Units: func(site backend.Site) ([]supervise.Spec, error) {
			var specs []supervise.Spec
			for i := range processes {
				spec := supervise.Spec{Name: name, Command: []string{"sleep", "600"}, Address: site.Addr("main")}
				if processes > 1 {
					spec.Name = fmt.Sprintf("%s/%d", name, i)
				}
				specs = append(specs, spec)
			}
			return specs, nil
		},
		Ready: func(context.Context, backend.Site) error { return nil },
		Drop: func(_ context.Context, _ backend.Site, namespace string) error {
			s.dropped = append(s.dropped, name+" "+namespace)
			return nil
		},
	}
}

func (s *scene) state(name string) supervise.State {
	for _, st := range s.Supervisor().Status() {
		if st.Name == name {
			return st.State
		}
	}
	return "unknown"
}

func TestWhatThePageNeedsIsWaitedForAndTheRestJoinsLater(t *testing.T) {
	s := newScene(t)
	p, err := s.plan(Request{Case: "scene"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.later, []string{"stream"}) {
		t.Errorf("in the background: %v, want only stream: web needs store, and the page nginx", p.later)
	}
	if p, err = s.plan(Request{Case: "scene", Backends: []string{"stream"}}); err != nil || len(p.later) != 0 {
		t.Errorf("asked for by name: %v, %v", p.later, err)
	}
}

func TestABackendOfSeveralProcessesGetsOneLine(t *testing.T) {
	s := newScene(t)
	events, stop := s.Listen()
	defer stop()
	if _, err := s.Launch(t.Context(), Request{Backends: []string{"stream", "store"}}); err != nil {
		t.Fatal(err)
	}
	lines := map[string]int{}
	for len(events) > 0 {
		if e := <-events; e.Kind == Up {
			lines[e.Name]++
		}
	}
	if len(lines) != 2 || lines["stream"] != 1 || lines["store"] != 1 {
		t.Errorf("lines: %v", lines)
	}

	// One of them dies; asking again brings back what is missing, and the line.
	if err := s.Supervisor().Kill(t.Context(), "stream/1"); err != nil {
		t.Fatal(err)
	}
	r, err := s.Launch(t.Context(), Request{Backends: []string{"stream"}})
	if err != nil || !slices.Equal(r.Started, []string{"stream/1"}) {
		t.Fatalf("%+v, %v", r, err)
	}
	found := false
	for len(events) > 0 {
		e := <-events
		found = found || e.Kind == Up && e.Name == "stream"
	}
	if !found {
		t.Error("its return has no line")
	}
}

func TestABuildThatFailsStopsTheBackends(t *testing.T) {
	s := newScene(t)
	main := filepath.Join(s.Root, "cases", "scene", "cmd", "web", "main.go")
	if err := os.WriteFile(main, []byte("package main\n\nfunc main() { undefined() }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := s.Launch(t.Context(), Request{Case: "scene"})
	if err == nil || !strings.Contains(err.Error(), "undefined: undefined") {
		t.Fatalf("Launch: %v", err)
	}
	for _, st := range s.Supervisor().Status() {
		if st.Pid != 0 {
			t.Errorf("%s still runs", st.Name)
		}
	}
}

func TestATakenPortIsToldBeforeAnythingIsFetched(t *testing.T) {
	s := newScene(t)
	p, err := s.plan(Request{Case: "scene"})
	if err != nil {
		t.Fatal(err)
	}
	port := s.Site(p.missing[0]).Ports["main"]
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	events, stop := s.Listen()
	result, err := s.Launch(t.Context(), Request{Case: "scene"})
	stop()
	var taken *supervise.PortTaken
	if !errors.As(err, &taken) || taken.Port != port || len(result.Started) > 0 {
		t.Errorf("started %v; %v, want that port %d is taken", result.Started, err, port)
	}
	for e := range events {
		if e.Kind != Note {
			t.Errorf("%+v", e)
		}
	}
}

func TestACaseRunsInOneNamespaceAtATime(t *testing.T) {
	s := newScene(t)
	r, err := s.Launch(t.Context(), Request{Case: "scene", Namespace: "demo1", All: true})
	if err != nil {
		t.Fatal(err)
	}
	if r.Page == "" || !r.Fresh || !slices.Contains(r.Env, "KIT_NAMESPACE=demo1") || !slices.Contains(r.Env, "KIT_STREAM="+fmt.Sprintf("127.0.0.1:%d", 7006+s.Offset)) {
		t.Errorf("%+v", r)
	}
	edge, err := os.ReadFile(filepath.Join(s.State, "data", "nginx", "conf.d", "scene.conf"))
	if err != nil || string(edge) != fmt.Sprintf("server 127.0.0.1:%d;", 8101+s.Offset) {
		t.Errorf("edge: %q, %v", edge, err)
	}
	var runs *CaseRuns
	if _, err := s.Launch(t.Context(), Request{Case: "scene"}); !errors.As(err, &runs) || ExitCode(err) != ExitEnvironment {
		t.Errorf("in another namespace: %v", err)
	}
	again, err := s.Launch(t.Context(), Request{Case: "scene", Namespace: "demo1"})
	if err != nil || len(again.Started) != 0 {
		t.Errorf("in the same: %+v, %v", again, err)
	}
	if err := s.Release(t.Context(), Request{Case: "scene", Namespace: "demo1"}, r, true); err != nil {
		t.Fatal(err)
	}
	if want := []string{"store demo1", "stream demo1", "nginx demo1"}; !slices.Equal(s.dropped, want) {
		t.Errorf("dropped %v, want %v", s.dropped, want)
	}
	if s.state("scene/web") != supervise.Stopped || s.state("store") != supervise.Stopped {
		t.Errorf("states: %v", s.Supervisor().Status())
	}
	if _, err := s.Launch(t.Context(), Request{Case: "scene"}); err != nil {
		t.Errorf("in another namespace, now that it has stopped: %v", err)
	}
}

func TestSampleDataGoesWithTheDataOfAnyBackend(t *testing.T) {
	s := newScene(t)
	c, err := topology.Load(s.Root, "scene")
	if err != nil {
		t.Fatal(err)
	}
	if s.seeded(c) {
		t.Error("seeded from the start")
	}
	if err := s.MarkSeeded("scene"); err == nil {
		t.Error("sample data is noted for a case that doesn't run")
	}
	if _, err := s.Launch(t.Context(), Request{Case: "scene"}); err != nil {
		t.Fatal(err)
	}
	if err := s.MarkSeeded("scene"); err != nil {
		t.Fatal(err)
	}
	if !s.seeded(c) {
		t.Error("not seeded after the mark")
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Wipe(t.Context(), s.Catalog[1]); err != nil {
		t.Fatal(err)
	}
	if s.seeded(c) {
		t.Error("seeded without the stream's data")
	}
}

func TestAVariantsBackendRunsOnlyWhereItIsChosen(t *testing.T) {
	s := newScene(t)
	r, err := s.Launch(t.Context(), Request{Case: "scene", All: true})
	if err != nil {
		t.Fatal(err)
	}
	if r.Namespace != "scene" || s.runs("second") {
		t.Errorf("the usual case: namespace %s, second runs: %v", r.Namespace, s.runs("second"))
	}
	second := Request{Case: "scene", Choices: map[string]string{"store": "second"}, All: true}
	var runs *CaseRuns
	if _, err := s.Launch(t.Context(), second); !errors.As(err, &runs) {
		t.Errorf("beside the usual case: %v", err)
	}
	if err := s.MarkSeeded("scene"); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, err = s.Launch(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	if r.Namespace != "scene_second" || !r.Fresh || !s.runs("second") ||
		!slices.Contains(r.Env, "KIT_SECOND="+fmt.Sprintf("127.0.0.1:%d", 7006+s.Offset)) {
		t.Errorf("the variant: %+v, second runs: %v", r, s.runs("second"))
	}
	if err := s.Drop(t.Context(), "scene", "scene"); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(s.dropped, "second scene") {
		t.Errorf("dropped %v, and not what the variant has stored", s.dropped)
	}
}

func TestARunningBackendIsNotWiped(t *testing.T) {
	s := newScene(t)
	if _, err := s.Launch(t.Context(), Request{Backends: []string{"store"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Wipe(t.Context(), s.Catalog[0]); err == nil {
		t.Error("it was wiped")
	}
}

func TestBudget(t *testing.T) {
	two := []backend.Backend{{Name: "redis", Memory: 100 << 20}, {Name: "kafka", Memory: 900 << 20}}
	text, err := budget(two, 2<<30)
	if want := "memory: 1000 MB for redis 100 MB, kafka 900 MB; 2048 MB is free"; err != nil || text != want {
		t.Errorf("%q, %v", text, err)
	}
	var missing *provision.Missing
	if _, err = budget(two, 999<<20); !errors.As(err, &missing) || ExitCode(err) != ExitEnvironment {
		t.Errorf("too little: %v", err)
	}
	if _, err = budget(two, 0); err != nil {
		t.Errorf("unknown: %v", err)
	}
}

func TestBlocksOfPortsAreHeldAndFree(t *testing.T) {
	backends := []backend.Backend{{Name: "redis", Ports: []backend.Port{{Number: 6379}}}}
	first, releaseFirst, err := FreeOffset("same", backends, nil)
	if err != nil {
		t.Fatal(err)
	}
	second, releaseSecond, err := FreeOffset("same", backends, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer releaseSecond()
	if first == second || first%100 != 0 || 6379+first >= hold.CasePorts {
		t.Errorf("offsets %d and %d", first, second)
	}
	releaseFirst()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 6379+first))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	third, releaseThird, err := FreeOffset("same", backends, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer releaseThird()
	if third == first || third == second {
		t.Errorf("%d was given again", third)
	}
}

// Launches wait for each other, and one that is called off doesn't.
func TestOneLaunchAtATime(t *testing.T) {
	s := newScene(t)
	s.turn <- struct{}{}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Launch(ctx, Request{Backends: []string{"store"}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Launch: %v", err)
	}
	<-s.turn
}
