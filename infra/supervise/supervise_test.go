package supervise

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"designkits/shared/testenv"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStartsInOrderOfNeedsAndStopsInReverse(t *testing.T) {
	dir := t.TempDir()
	order := filepath.Join(dir, "order")
	logged := func(name string, needs ...string) Spec {
		spec := shell(name, fmt.Sprintf(`echo +%s >>%s; trap 'echo -%s >>%s; exit 0' TERM; echo >%s/%s; while :; do sleep 0.05; done`,
			name, order, name, order, dir, name), needs...)
		spec.Ready = func(context.Context) error {
			if !fileExists(filepath.Join(dir, name)) {
				return errors.New("not yet")
			}
			return nil
		}
		return spec
	}
	s, w := open(t, filepath.Join(dir, "state"))
	// Given in the wrong order on purpose.
	if err := s.Start(t.Context(), logged("web", "store", "log"), logged("log", "store"), logged("store")); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(order)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Fields(string(raw)), strings.Fields("+store +log +web -web -log -store"); !slices.Equal(got, want) {
		t.Errorf("they started and stopped as %v, want %v", got, want)
	}
	if got := w.states("web"); !slices.Equal(got, []State{Starting, Ready, Stopped}) {
		t.Errorf("told of web: %v", got)
	}
}

func TestIndependentOnesStartSideBySide(t *testing.T) {
	s, _ := open(t, t.TempDir())
	// Each is ready only once the other runs, so one after the other would hang.
	var specs []Spec
	for _, pair := range [][2]string{{"a", "b"}, {"b", "a"}} {
		spec := lasting(pair[0])
		spec.ReadyWithin = time.Minute
		spec.Ready = func(context.Context) error {
			if status(t, s, pair[1]).Pid == 0 {
				return errors.New("the other doesn't run yet")
			}
			return nil
		}
		specs = append(specs, spec)
	}
	if err := s.Start(t.Context(), specs...); err != nil {
		t.Fatal(err)
	}
}

func TestEarlyDeathIsReportedAtOnceWithItsLastLines(t *testing.T) {
	s, w := open(t, t.TempDir())
	broken := shell("store", `for i in $(seq 1 30); do echo line $i; done; exit 7`)
	broken.Ready = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	begun := time.Now()
	err := s.Start(t.Context(), broken, lasting("web", "store"), lasting("other"))
	if took := time.Since(begun); took > readyWithin/4 {
		t.Errorf("it took %s to tell", took)
	}
	var failed *StartError
	if !errors.As(err, &failed) || failed.Name != "store" {
		t.Fatalf("Start: %v", err)
	}
	if len(failed.Lines) != tailLines || failed.Lines[0] != "line 11" || failed.Lines[19] != "line 30" {
		t.Errorf("the last lines are %q", failed.Lines)
	}
	if !strings.Contains(err.Error(), "exit status 7") || !strings.Contains(err.Error(), "line 30") {
		t.Errorf("the error doesn't say what happened: %v", err)
	}
	if e := w.last("store"); e.State != Dead || len(e.Lines) != tailLines {
		t.Errorf("told: %+v", e)
	}
	// What was started with it is stopped again.
	if st := status(t, s, "other"); st.Pid != 0 {
		t.Errorf("other still runs: %+v", st)
	}
}

func TestNotReadyInTimeTellsTheLastAnswer(t *testing.T) {
	s, _ := open(t, t.TempDir())
	slow := lasting("store")
	slow.ReadyWithin = 300 * time.Millisecond
	slow.Ready = func(context.Context) error { return errors.New("loading the dataset") }
	err := s.Start(t.Context(), slow)
	if err == nil || !strings.Contains(err.Error(), "loading the dataset") {
		t.Fatalf("Start: %v", err)
	}
}

func TestDeathIsReportedAndRestartBringsItBack(t *testing.T) {
	s, w := open(t, t.TempDir())
	if err := s.Start(t.Context(), lasting("store")); err != nil {
		t.Fatal(err)
	}
	pid := status(t, s, "store").Pid
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 20*time.Second, "the death is told", func() bool { return w.last("store").State == Dead })
	if e := w.last("store"); e.Reason != "signal: killed" {
		t.Errorf("the reason is %q", e.Reason)
	}
	if st := status(t, s, "store"); st.State != Dead || st.Pid != 0 {
		t.Errorf("status after its death: %+v", st)
	}
	var notRunning *NotRunning
	if err := s.Kill(t.Context(), "store"); !errors.As(err, &notRunning) {
		t.Errorf("killing a dead one: %v", err)
	}
	if err := s.Restart(t.Context(), "store"); err != nil {
		t.Fatal(err)
	}
	if st := status(t, s, "store"); st.State != Ready || st.Pid == 0 || st.Pid == pid {
		t.Errorf("status after the restart: %+v", st)
	}
}

func TestPauseFreezesAGroupAndResumeLetsItGoOn(t *testing.T) {
	s, _ := open(t, t.TempDir())
	if err := s.Start(t.Context(), lasting("flink/jobs"), lasting("flink/tasks"), lasting("web")); err != nil {
		t.Fatal(err)
	}
	frozen := func(name string) bool {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", status(t, s, name).Pid))
		return err == nil && strings.Contains(string(raw), ") T ")
	}
	if err := s.Pause(t.Context(), "flink"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"flink/jobs", "flink/tasks"} {
		testenv.Eventually(t, 20*time.Second, name+" is frozen", func() bool { return frozen(name) })
		if st := status(t, s, name); st.State != Paused {
			t.Errorf("%s is %s", name, st.State)
		}
	}
	if frozen("web") {
		t.Error("web is frozen too")
	}
	if err := s.Resume(t.Context(), "flink"); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 20*time.Second, "flink goes on", func() bool { return !frozen("flink/jobs") && !frozen("flink/tasks") })
	if st := status(t, s, "flink/jobs"); st.State != Ready {
		t.Errorf("flink/jobs is %s", st.State)
	}
	// A paused one can be stopped: it is woken to hear the SIGTERM.
	if err := s.Pause(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	if how := ending(t, s, "web"); how != "signal: terminated" {
		t.Errorf("a paused one ended by %s", how)
	}
}

func TestUnknownNamesAreAnsweredWithTheKnown(t *testing.T) {
	s, _ := open(t, t.TempDir())
	if err := s.Start(t.Context(), lasting("redis"), lasting("flink/jobs")); err != nil {
		t.Fatal(err)
	}
	err := s.Kill(t.Context(), "rediss")
	var unknown *UnknownName
	if !errors.As(err, &unknown) || !slices.Equal(unknown.Known, []string{"flink", "flink/jobs", "redis"}) {
		t.Errorf("Kill: %v", err)
	}
}

func TestCirclesAndUnknownNeedsAreRefused(t *testing.T) {
	s, _ := open(t, t.TempDir())
	if err := s.Start(t.Context(), lasting("a", "b"), lasting("b", "a")); err == nil || !strings.Contains(err.Error(), "circle") {
		t.Errorf("a circle: %v", err)
	}
	if err := s.Start(t.Context(), lasting("a", "nothing")); err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("an unknown need: %v", err)
	}
	if len(s.Status()) != 0 {
		t.Errorf("something was added: %v", s.Status())
	}
}

func TestATakenPortIsReportedWithItsHolder(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	s, _ := open(t, t.TempDir())
	spec := lasting("store")
	spec.Ports = []int{port}
	err = s.Start(t.Context(), spec)
	var taken *PortTaken
	if !errors.As(err, &taken) {
		t.Fatalf("Start: %v", err)
	}
	if want := "pid " + strconv.Itoa(os.Getpid()); taken.Port != port || !strings.Contains(taken.Holder, want) {
		t.Errorf("the holder is %q, want %s", taken.Holder, want)
	}
}

func TestTheWholeGroupEndsWithItsLeader(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, filepath.Join(dir, "state"))
	if err := s.Start(t.Context(), shell("nginx", fmt.Sprintf(`sleep 600 & echo $! >%s/worker; exec sleep 600`, dir))); err != nil {
		t.Fatal(err)
	}
	worker := readPid(t, filepath.Join(dir, "worker"))
	if err := syscall.Kill(status(t, s, "nginx").Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 20*time.Second, "the worker is gone", func() bool { return gone(worker) })
}

// PostgreSQL's processes each make a group and a session of their own.
func TestFaultsReachDescendantsInOtherGroups(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, filepath.Join(dir, "state"))
	if err := s.Start(t.Context(), shell("store", fmt.Sprintf(`setsid sleep 600 & echo $! >%s/worker; exec sleep 600`, dir))); err != nil {
		t.Fatal(err)
	}
	worker := readPid(t, filepath.Join(dir, "worker"))
	inState := func(state string) func() bool {
		return func() bool {
			raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", worker))
			return err == nil && strings.Contains(string(raw), ") "+state+" ")
		}
	}
	testenv.Eventually(t, 20*time.Second, "the worker has left the group", func() bool {
		p, err := statOf(worker)
		return err == nil && p.group == worker
	})
	if err := s.Pause(t.Context(), "store"); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 20*time.Second, "the worker is frozen", inState("T"))
	if err := s.Resume(t.Context(), "store"); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 20*time.Second, "the worker goes on", inState("S"))
	if err := s.Kill(t.Context(), "store"); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 20*time.Second, "the worker is gone", func() bool { return gone(worker) })
}

func TestStopAsksByTheSignalThatTheSpecNames(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, filepath.Join(dir, "state"))
	patient := shell("store", fmt.Sprintf(`trap '' TERM; trap 'exit 0' USR1; echo >%s/up; while :; do sleep 0.05; done`, dir))
	patient.StopSignal = syscall.SIGUSR1
	patient.Ready = func(context.Context) error { _, err := os.Stat(filepath.Join(dir, "up")); return err }
	if err := s.Start(t.Context(), patient); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context(), "store"); err != nil {
		t.Fatal(err)
	}
	if how := ending(t, s, "store"); how != "exit status 0" {
		t.Errorf("it ended by %s", how)
	}
}

func TestStopKillsWhatDoesNotListenWhenTheContextEnds(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, filepath.Join(dir, "state"))
	deaf := shell("deaf", fmt.Sprintf(`trap '' TERM; echo >%s/deaf; while :; do sleep 0.05; done`, dir))
	deaf.Ready = func(context.Context) error { _, err := os.Stat(filepath.Join(dir, "deaf")); return err }
	if err := s.Start(t.Context(), deaf); err != nil {
		t.Fatal(err)
	}
	pid := status(t, s, "deaf").Pid
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if !gone(pid) {
		t.Error("it still runs")
	}
}

func TestBackgroundOnesAreNotWaitedFor(t *testing.T) {
	s, w := open(t, t.TempDir())
	allowed := make(chan struct{})
	late := lasting("flink")
	late.Background = true
	late.Ready = func(ctx context.Context) error {
		select {
		case <-allowed:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := s.Start(ctx, lasting("store"), late); err != nil {
		t.Fatal(err)
	}
	cancel() // the caller is done with starting, flink isn't
	if st := status(t, s, "flink"); st.State != Starting && st.State != Waiting {
		t.Errorf("flink is %s", st.State)
	}
	close(allowed)
	testenv.Eventually(t, 20*time.Second, "flink is ready", func() bool { return w.last("flink").State == Ready })
}

func TestACalledOffStartLeavesNothing(t *testing.T) {
	s, w := open(t, t.TempDir())
	never := lasting("store")
	never.Ready = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	started := make(chan error, 1)
	go func() { started <- s.Start(ctx, never) }()
	testenv.Eventually(t, 20*time.Second, "it runs", func() bool { return len(s.Status()) == 1 && s.Status()[0].Pid != 0 })
	pid := s.Status()[0].Pid
	cancel()
	if err := <-started; err == nil {
		t.Error("Start succeeded")
	}
	if !gone(pid) {
		t.Error("it still runs")
	}
	if slices.Contains(w.states("store"), Dead) {
		t.Error("calling off was told as a death")
	}
}

func TestAStopThatOvertakesTheStartIsHeeded(t *testing.T) {
	s, _ := open(t, t.TempDir())
	for range 100 {
		late := lasting("flink")
		late.Background = true
		if err := s.Start(t.Context(), late); err != nil {
			t.Fatal(err)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if st := status(t, s, "flink"); st.State != Stopped || st.Pid != 0 {
			t.Fatalf("after the stop: %+v", st)
		}
	}
}

func TestTheLogOfTheRunBeforeIsKept(t *testing.T) {
	state := t.TempDir()
	s, _ := open(t, state)
	if err := s.Start(t.Context(), shell("web", `echo $$; exec sleep 600`)); err != nil {
		t.Fatal(err)
	}
	first := status(t, s, "web").Pid
	written := func(path string, pid int) func() bool {
		return func() bool {
			raw, _ := os.ReadFile(path)
			return strings.TrimSpace(string(raw)) == strconv.Itoa(pid)
		}
	}
	testenv.Eventually(t, 20*time.Second, "the first run has logged", written(LogPath(state, "web"), first))
	if err := s.Restart(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 20*time.Second, "the first log is kept", written(LogPath(state, "web")+".1", first))
	testenv.Eventually(t, 20*time.Second, "the second run has logged", written(LogPath(state, "web"), status(t, s, "web").Pid))
}
