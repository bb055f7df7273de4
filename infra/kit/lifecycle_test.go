package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"designkits/infra/backend/catalog"
	"designkits/infra/control"
)

func TestABackendsLife(t *testing.T) {
	c := newCheckout(t)
	wantIn(t, c.up("redis"), "[UP] redis "+c.redis(), "MB")
	first := c.status()["redis"]
	if first.State != "ready" || first.Kind != "backend" || first.Address != c.redis() || !runs(first.Pid) || first.RSS < 1<<20 {
		t.Errorf("status: %+v", first)
	}
	wantIn(t, c.kit(0, "up", "redis")) // again is harmless
	if again := c.status()["redis"]; again.Pid != first.Pid {
		t.Errorf("the second up has started another: %+v", again)
	}
	c.kit(0, "kill", "redis")
	if runs(first.Pid) || c.status()["redis"].State != "dead" {
		t.Error("kill leaves it running")
	}
	wantIn(t, c.kit(1, "kill", "redis"), "kit restart redis")
	c.kit(0, "restart", "redis")
	second := c.status()["redis"]
	if second.State != "ready" || !runs(second.Pid) {
		t.Errorf("after the restart: %+v", second)
	}
	c.kit(0, "pause", "redis")
	if c.status()["redis"].State != "paused" {
		t.Error("pause doesn't show")
	}
	c.kit(0, "resume", "redis")
	if got := c.ask("PING"); got != "+PONG" {
		t.Errorf("after the resume it answers %q", got)
	}
	wantIn(t, c.kit(0, "logs", "redis"), "Ready to accept connections")
	wantIn(t, c.kit(0, "logs", "-n", "100", "kit"), "[UP] redis", "[DOWN] redis")
	c.kit(0, "down")
	if runs(second.Pid) {
		t.Error("down leaves it running")
	}
	wantIn(t, c.kit(0, "status"), "nothing is running")
}

func TestDownKeepsDataAndResetRemovesIt(t *testing.T) {
	c := newCheckout(t)
	c.up("redis")
	c.ask("SET kept 1")
	c.kit(0, "down")
	c.up("redis")
	if got := c.ask("EXISTS kept"); got != ":1" {
		t.Errorf("after down and up: %q", got)
	}
	wantIn(t, c.kit(0, "reset", "redis"), "redis", "removed")
	c.up("redis")
	if got := c.ask("EXISTS kept"); got != ":0" {
		t.Errorf("after reset and up: %q", got)
	}
	c.kit(0, "down")
	c.kit(0, "reset")
	if _, err := os.Stat(filepath.Join(c.root, ".kit", "data")); !os.IsNotExist(err) {
		t.Errorf("after the reset of everything: %v", err)
	}
}

func TestAKilledKitLeavesNothingRunningAfterTheNextStart(t *testing.T) {
	c := newCheckout(t)
	f := c.start("run", "echo")
	f.awaitText("Ctrl-C stops it")
	before := c.status()
	if code := f.end(syscall.SIGKILL); code != -1 {
		t.Fatalf("it wasn't killed but exits %d", code)
	}
	out := c.up("redis")
	after := c.status()
	for name, s := range before {
		if s.Pid == 0 {
			t.Errorf("%s didn't run: %+v", name, s)
		}
		if runs(s.Pid) {
			t.Errorf("%s (pid %d) outlived the kit\n%s", name, s.Pid, out)
		}
	}
	if len(before) != 3 || len(after) != 1 {
		t.Errorf("before: %v, after: %v", before, after)
	}
	c.ask("PING")
}

// PostgreSQL runs as another user where the kit is root, and its processes are
// in groups of their own.
func TestAKilledKitTakesPostgresWithIt(t *testing.T) {
	c := newCheckout(t)
	c.up("postgres")
	pid := c.status()["postgres"].Pid
	kit, err := control.Find(filepath.Join(c.root, ".kit"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(kit.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "postgres ends with the kit", func() string { return "" }, func() bool { return !runs(pid) })
	c.up("postgres")
	if s := c.status()["postgres"]; s.State != "ready" {
		t.Errorf("after the next start: %+v", s)
	}
}

func TestABackendThatDiesWhileStartingShowsWhy(t *testing.T) {
	c := newCheckout(t)
	c.up("redis")
	c.ask("SET some data")
	c.kit(0, "down")
	manifest := filepath.Join(c.root, ".kit", "data", "redis", "appendonlydir", "appendonly.aof.manifest")
	if err := os.WriteFile(manifest, []byte("no manifest\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	wantIn(t, c.kit(1, "up", "redis"), "[DOWN] redis", "exit status 1", "AOF manifest", filepath.Join(".kit", "logs", "redis.log"))
}

func TestATakenPortNamesItsHolder(t *testing.T) {
	c := newCheckout(t)
	l, err := net.Listen("tcp", c.redis())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	wantIn(t, c.kit(3, "up", "redis"), fmt.Sprintf("port %d", 6379+c.offset), "pid "+strconv.Itoa(os.Getpid()), "--port-offset")
	wantIn(t, c.kit(0, "status"), "nothing is running")
}

func TestRunLastsUntilCtrlC(t *testing.T) {
	c := newCheckout(t)
	f := c.start("run", "echo")
	f.awaitText("SET echo:seed") // the sample data, put in after the page is announced
	wantIn(t, f.out.String(), "[UP] redis", "[UP] echo/web-1 127.0.0.1:", "[UP] echo/web-2", "http://"+c.status()["echo/web-1"].Address+"/")
	page, err := http.Get("http://" + c.status()["echo/web-2"].Address + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	if text, err := io.ReadAll(page.Body); err != nil || string(text) != "echo "+c.redis()+" 64" {
		t.Errorf("web-2 was told %q (%v)", text, err)
	}

	// A second one in the same checkout is refused, with the way out.
	wantIn(t, c.kit(3, "run", "echo"), fmt.Sprintf("pid %d", f.cmd.Process.Pid), "--port-offset")

	pids := c.status()
	if code := f.end(syscall.SIGINT); code != 0 {
		t.Errorf("after Ctrl-C it exits %d\n%s", code, f.out)
	}
	for name, s := range pids {
		if runs(s.Pid) {
			t.Errorf("%s still runs", name)
		}
	}
	stopped := f.out.String()
	if strings.Index(stopped, "[STOPPED] redis") < strings.Index(stopped, "[STOPPED] echo/web-1") {
		t.Errorf("redis was stopped before what needs it:\n%s", stopped)
	}

	// The sample data is in, once.
	f = c.start("run", "echo")
	f.awaitText("Ctrl-C stops it")
	if got := c.ask("EXISTS echo:seed"); got != ":1" {
		t.Errorf("the sample data: %q", got)
	}
	if code := f.end(syscall.SIGTERM); code != 0 {
		t.Errorf("after SIGTERM it exits %d\n%s", code, f.out)
	}
	if strings.Contains(f.out.String(), "echo:seed") {
		t.Errorf("the sample data was put in again:\n%s", f.out)
	}
}

// A variant stores beside the usual case, and has sample data of its own.
func TestAVariantOfACaseRuns(t *testing.T) {
	c := newCheckout(t)
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"run", "echo"}, "echo " + c.redis() + " 64"},
		{[]string{"run", "echo", "--size", "small"}, "echo_small " + c.redis() + " 4"},
	} {
		f := c.start(test.args...)
		f.awaitText(":seed")
		page, err := http.Get("http://" + c.status()["echo/web-1"].Address + "/")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(page.Body)
		page.Body.Close()
		if err != nil || string(text) != test.want {
			t.Errorf("%v: the page says %q (%v), want %q", test.args, text, err, test.want)
		}
		if code := f.end(syscall.SIGINT); code != 0 {
			t.Errorf("%v: exits %d\n%s", test.args, code, f.out)
		}
	}
}

func TestRunBesideUpStopsOnlyWhatItStarted(t *testing.T) {
	c := newCheckout(t)
	c.up("redis")
	redis := c.status()["redis"].Pid
	f := c.start("run", "echo")
	f.awaitText("Ctrl-C stops it")
	web := c.status()["echo/web-1"].Pid
	if code := f.end(syscall.SIGINT); code != 0 {
		t.Errorf("after Ctrl-C it exits %d\n%s", code, f.out)
	}
	if runs(web) || !runs(redis) {
		t.Errorf("web runs: %v, redis runs: %v", runs(web), runs(redis))
	}

	// The same when it is killed: nobody holds on to what it started.
	f = c.start("run", "echo")
	f.awaitText("Ctrl-C stops it")
	web = c.status()["echo/web-1"].Pid
	f.end(syscall.SIGKILL)
	eventually(t, "web is stopped", f.out.String, func() bool { return !runs(web) })
	if !runs(redis) {
		t.Error("redis went with it")
	}
}

func TestTheSecondCtrlCKillsAtOnce(t *testing.T) {
	c := newCheckout(t)
	c.env = []string{"WEB_DEAF=1"}
	f := c.start("run", "echo")
	f.awaitText("Ctrl-C stops it")
	before := c.status()
	if err := f.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	f.awaitText("Ctrl-C again kills at once")
	begun := time.Now()
	f.end(syscall.SIGINT)
	if took := time.Since(begun); took > 9*time.Second { // one that doesn't listen gets 10 s
		t.Errorf("it took %s", took)
	}
	for name, s := range before {
		if runs(s.Pid) {
			t.Errorf("%s still runs", name)
		}
	}
}

func TestDownEndsARunInTheForeground(t *testing.T) {
	c := newCheckout(t)
	f := c.start("run", "echo")
	f.awaitText("Ctrl-C stops it")
	c.kit(0, "down")
	select {
	case <-f.done:
	case <-time.After(90 * time.Second):
		t.Fatalf("it goes on\n%s", f.out)
	}
	if code := f.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("it exits %d\n%s", code, f.out)
	}
}

func TestDoctorChangesNothing(t *testing.T) {
	c := newCheckout(t)
	out := c.kit(0, "doctor")
	for _, b := range catalog.All {
		wantIn(t, out, b.Name, b.Version)
	}
	wantIn(t, out, "engine", "native", "memory")
	if _, err := os.Stat(filepath.Join(c.root, ".kit")); !os.IsNotExist(err) {
		t.Errorf("it has made a state folder: %v", err)
	}
}

func TestDemoEndsWithItsVerdictAndLeavesNothing(t *testing.T) {
	c := newCheckout(t)
	c.up("redis")
	c.ask("SET there 1")
	c.env = []string{"LAB_EXPECTS=there"}
	wantIn(t, c.kit(0, "run", "echo", "--demo"), "ok    SET demo", "ok    EXISTS there", "it held")
	if keys := c.ask("KEYS *demo*"); keys != "*0" {
		t.Errorf("the demo has left: %q", keys)
	}
	c.env = []string{"LAB_EXPECTS=nowhere"}
	wantIn(t, c.kit(1, "run", "echo", "--demo"), "FAIL  EXISTS nowhere", "it did not hold")
	if keys := c.ask("KEYS *demo*"); keys != "*0" {
		t.Errorf("the failed demo has left: %q", keys)
	}
}

func TestACaseWorksWithoutItsSampleData(t *testing.T) {
	c := newCheckout(t)
	c.env = []string{"LAB_EXPECTS=nowhere"}
	f := c.start("run", "echo")
	f.awaitText("without all of its sample data")
	if s := c.status()["echo/web-1"]; s.State != "ready" {
		t.Errorf("web: %+v", s)
	}
	if code := f.end(syscall.SIGINT); code != 0 {
		t.Errorf("after Ctrl-C it exits %d\n%s", code, f.out)
	}
	c.env = nil
	f = c.start("run", "echo")
	f.awaitText("ok    EXISTS echo:seed") // tried again
	f.end(syscall.SIGINT)
}

func TestUpOfACaseAndResetOfItsData(t *testing.T) {
	c := newCheckout(t)
	c.up("echo")
	if s := c.status(); s["echo/web-1"].State != "ready" || s["echo/web-2"].State != "ready" {
		t.Errorf("status: %v", s)
	}
	wantIn(t, c.kit(3, "run", "echo", "--demo"), "kit down echo")
	c.kit(0, "down", "echo")
	c.ask("SET of:others 1")
	wantIn(t, c.kit(0, "reset", "echo"), "echo", "removed")
	if mine, others := c.ask("EXISTS echo:seed"), c.ask("EXISTS of:others"); mine != ":0" || others != ":1" {
		t.Errorf("after the reset of echo: its own %s, those of others %s", mine, others)
	}
}

func TestWrongUse(t *testing.T) {
	c := newCheckout(t)
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"frobnicate", 2, "frobnicate"},
		{"rnu echo", 2, "do you mean run?"},
		{"exercise start", 2, "kit exercise start CASE/NN"},
		{"run", 2, "kit run CASE"},
		{"run nosuch", 2, "echo"},
		{"run echo --frobnicate", 2, "frobnicate"},
		{"run echo --size large", 2, "it has: --size small"},
		{"up echo --size large", 2, "it has: --size small"},
		{"up nosuch", 2, "redis"},
		{"reset nosuch", 2, "redis"},
		{"test nosuch", 2, "echo"},
		{"kill", 2, "kit kill NAME"},
		{"kill redis", 2, "nothing is running"},
		{"down", 2, "nothing is running"},
		{"logs nosuch", 2, "nosuch"},
		{"status extra", 2, "kit status"},
		{"up redis --port-offset 60000", 2, "from 0 to 50000"},
		{"up redis --engine podman", 2, "docker, native"},
		{"status", 0, "nothing is running"},
		{"status --json", 0, "[]"},
		{"--help", 0, "doctor"},
	} {
		t.Run(test.args, func(t *testing.T) {
			c := *c
			c.t = t
			cmd := c.command(strings.Fields(test.args)...)
			if strings.Contains(test.args, "up redis --") { // the last of a flag counts
				cmd.Args = append(cmd.Args[:1], strings.Fields(test.args)...)
			}
			out, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != test.code {
				t.Errorf("exits %d, want %d", code, test.code)
			}
			wantIn(t, string(out), test.want)
		})
	}
	outside := c.command("status")
	outside.Dir = t.TempDir()
	if out, _ := outside.CombinedOutput(); outside.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "go.work") {
		t.Errorf("outside of a checkout: %d\n%s", outside.ProcessState.ExitCode(), out)
	}
}
