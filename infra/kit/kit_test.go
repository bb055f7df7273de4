package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"designkits/infra/backend/catalog"
	"designkits/infra/launch"
	"designkits/infra/topology"
	"designkits/shared/fault"
)

// program is the kit, built once with the race detector.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "kit-test-")
	if err == nil {
		program = filepath.Join(dir, "kit")
		var out []byte
		if out, err = exec.Command("go", "build", "-race", "-o", program, ".").CombinedOutput(); err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the kit:", err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// A checkout is a scratch workspace with one small case, on free ports.
type checkout struct {
	t      *testing.T
	root   string
	offset int
	env    []string
}

func newCheckout(t *testing.T) *checkout {
	t.Helper()
	root := t.TempDir()
	if err := os.CopyFS(filepath.Join(root, "cases", "echo"), os.DirFS("testdata/echo")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "go.work"), []byte("go 1.26.0\n\nuse ./cases/echo\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := topology.Load(root, "echo")
	if err != nil {
		t.Fatal(err)
	}
	offset, release, err := launch.FreeOffset(root, catalog.All, []topology.Case{c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return &checkout{t: t, root: root, offset: offset}
}

func (c *checkout) redis() string { return fmt.Sprintf("127.0.0.1:%d", 6379+c.offset) }

// command prepares a kit command in the checkout.
func (c *checkout) command(args ...string) *exec.Cmd {
	cmd := exec.Command(program, append(args, "--engine", "native", "--port-offset", fmt.Sprint(c.offset))...)
	cmd.Dir = c.root
	// The race detector otherwise waits a second at each exit.
	cmd.Env = append(os.Environ(), append([]string{"GORACE=atexit_sleep_ms=0"}, c.env...)...)
	return cmd
}

// kit runs a command to its end and checks its exit code.
func (c *checkout) kit(code int, args ...string) string {
	c.t.Helper()
	cmd := c.command(args...)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		c.t.Fatalf("kit %v: %v", args, err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		c.t.Fatalf("kit %v exits %d, want %d\n%s", args, got, code, out)
	}
	return string(out)
}

// up brings backends up in the background and takes them down with the test.
func (c *checkout) up(args ...string) string {
	c.t.Helper()
	out := c.kit(0, append([]string{"up"}, args...)...)
	c.t.Cleanup(func() {
		if out, err := c.command("down").CombinedOutput(); err != nil && !strings.Contains(string(out), "nothing is running") {
			c.t.Errorf("kit down: %v\n%s", err, out)
		}
	})
	return out
}

func (c *checkout) status() map[string]fault.Status {
	c.t.Helper()
	var list []fault.Status
	if err := json.Unmarshal([]byte(c.kit(0, "status", "--json")), &list); err != nil {
		c.t.Fatal(err)
	}
	byName := map[string]fault.Status{}
	for _, s := range list {
		byName[s.Name] = s
	}
	return byName
}

// ask sends one inline command to the checkout's Redis.
func (c *checkout) ask(command string) string {
	c.t.Helper()
	conn, err := net.Dial("tcp", c.redis())
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
		c.t.Fatal(err)
	}
	answer := make([]byte, 1000)
	n, err := conn.Read(answer)
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimSpace(string(answer[:n]))
}

// A foreground is a kit command that goes on.
type foreground struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  *buffer
	done chan struct{}
}

// A buffer can be read while it is written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (c *checkout) start(args ...string) *foreground {
	c.t.Helper()
	f := &foreground{t: c.t, cmd: c.command(args...), out: &buffer{}, done: make(chan struct{})}
	f.cmd.Stdout, f.cmd.Stderr = f.out, f.out
	if err := f.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	go func() { defer close(f.done); _ = f.cmd.Wait() }()
	c.t.Cleanup(func() { // only where the test has failed
		_ = f.cmd.Process.Signal(syscall.SIGTERM)
		<-f.done
	})
	return f
}

// awaitText waits until the command has printed a text.
func (f *foreground) awaitText(text string) {
	f.t.Helper()
	eventually(f.t, fmt.Sprintf("it prints %q", text), f.out.String, func() bool { return strings.Contains(f.out.String(), text) })
}

// end sends a signal and returns the exit code.
func (f *foreground) end(sig syscall.Signal) int {
	f.t.Helper()
	if err := f.cmd.Process.Signal(sig); err != nil {
		f.t.Fatal(err)
	}
	select {
	case <-f.done:
	case <-time.After(90 * time.Second):
		f.t.Fatalf("it doesn't end after %s\n%s", sig, f.out)
	}
	return f.cmd.ProcessState.ExitCode()
}

func eventually(t *testing.T, what string, about func() string, holds func() bool) {
	t.Helper()
	deadline := time.After(90 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("it never came to be that %s\n%s", what, about())
		}
	}
}

// runs reports whether a process is there and no zombie.
func runs(pid int) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(raw), ") Z ")
}

func wantIn(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q isn't in:\n%s", part, text)
		}
	}
}
