package provision

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program writes an executable script.
func program(t *testing.T, dir, name, script string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// The programs here are scripts that print what the real ones do.
func TestTheRightMajorVersionIsTaken(t *testing.T) {
	for _, c := range []struct {
		prints, major string
		ok            bool
	}{
		{"Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1", "7", true},
		{"Redis server v=8.2.1 sha=00000000:0", "7", false},
		{"Redis server v=70.1 sha=00000000:0", "7", false},
		{"nginx version: nginx/1.22.1", "1", true},
		{"nginx version: nginx/1.22.1", "1.22", true},
		{"nginx version: nginx/1.2.1", "1.22", false},
		{"no number at all", "7", false},
	} {
		dir := t.TempDir()
		t.Setenv("PATH", dir)
		want := program(t, dir, "kit-test-server", "echo '"+c.prints+"' >&2")
		got, err := Debian{Program: "kit-test-server", VersionArgs: []string{"-v"}, Major: c.major}.Path()
		if c.ok && (err != nil || got != want) || !c.ok && err == nil {
			t.Errorf("%q for %s: %q, %v", c.prints, c.major, got, err)
		}
		if !c.ok && !strings.Contains(fmt.Sprint(err), dir) {
			t.Errorf("%v doesn't say what was found", err)
		}
	}
}

// The first of the right version is taken, and a relative entry of PATH never.
func TestPathIsSearchedInOrder(t *testing.T) {
	old, right := t.TempDir(), t.TempDir()
	program(t, old, "kit-test-server", "echo server 6.2")
	want := program(t, right, "kit-test-server", "echo server 7.2")
	program(t, ".", "kit-test-server", "echo server 7.0")
	t.Cleanup(func() { os.Remove("kit-test-server") })
	t.Setenv("PATH", strings.Join([]string{".", old, right}, ":"))
	d := Debian{Program: "kit-test-server", VersionArgs: []string{"-v"}, Major: "7"}
	if got, err := d.Path(); got != want {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestRightsAreKnownBeforeTheyAreNeeded(t *testing.T) {
	debs := []Debian{{Program: "kit-a", Major: "7", Packages: []string{"a-server"}}, {Program: "kit-b", Major: "1", Packages: []string{"b"}}}
	for _, c := range []struct {
		name    string
		uid     int
		scripts map[string]string
		prefix  string
		kind    error
		says    string
	}{
		{"root", 0, map[string]string{"apt-get": ""}, "", nil, ""},
		{"sudo without a password", 1000, map[string]string{"apt-get": "", "sudo": `[ "$*" = "-n true" ]`}, "sudo -n", nil, ""},
		{"sudo with a password", 1000, map[string]string{"apt-get": "", "sudo": "exit 1"}, "", ErrNoRights,
			"sudo apt-get update && sudo apt-get install -y a-server b"},
		{"no sudo", 1000, map[string]string{"apt-get": ""}, "", ErrNoRights, "sudo apt-get install -y a-server b"},
		{"no apt", 0, nil, "", ErrUnsupported, "kit-a 7, kit-b 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, script := range c.scripts {
				program(t, dir, name, script)
			}
			t.Setenv("PATH", dir)
			prefix, err := aptRights(t.Context(), c.uid, debs)
			if !errors.Is(err, c.kind) || strings.Join(prefix, " ") != c.prefix {
				t.Errorf("got %q, %v", prefix, err)
			}
			if c.kind != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v doesn't say %q", err, c.says)
			}
		})
	}
}

// Debian's PostgreSQL is in a folder of its version's.
func TestADirOffPathIsSearched(t *testing.T) {
	dir := t.TempDir()
	want := program(t, dir, "kit-test-server", "echo server 15.18")
	t.Setenv("PATH", t.TempDir())
	d := Debian{Program: "kit-test-server", VersionArgs: []string{"-v"}, Major: "15", Dir: dir}
	if got, err := d.Path(); got != want {
		t.Errorf("got %q, %v", got, err)
	}
}

// install runs the script that becomes root, with an apt-get of the test's.
// It is the script that is tested here; the real apt-get is what installs the
// servers that other tests talk to.
func install(t *testing.T, policy, aptGet string) (*exec.Cmd, *strings.Builder) {
	t.Helper()
	dir := t.TempDir()
	program(t, dir, "apt-get", aptGet)
	program(t, dir, "systemctl", `echo "systemctl $*"`)
	cmd := exec.Command("sh", "-c", installScript, "install.sh", "a-service", "a-server", "b")
	cmd.Env = []string{"PATH=" + dir + ":/usr/bin:/bin", "POLICY=" + policy, "DIR=" + dir}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	return cmd, &out
}

func TestNoServiceIsStarted(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "policy-rc.d")
	cmd, out := install(t, policy, `"$POLICY" a-service start; echo "policy says $?"; echo "apt-get $*"`)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"policy says 101", "install -y --no-install-recommends a-server b", "systemctl disable a-service"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if _, err := os.Stat(policy); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the policy is still there: %v", err)
	}
}

// What the script makes tells Debian's PostgreSQL to make no cluster.
func TestNoClusterIsMade(t *testing.T) {
	dir := t.TempDir()
	cmd, out := install(t, filepath.Join(dir, "policy-rc.d"), `cat "$CLUSTERS"/*.conf`)
	cmd.Args = append(cmd.Args, "postgresql-15")
	cmd.Env = append(cmd.Env, "CLUSTERS="+filepath.Join(dir, "createcluster.d"))
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(out.String(), "create_main_cluster = false") {
		t.Errorf("the packages are told nothing:\n%s", out)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestTheOwnersPolicyStays(t *testing.T) {
	policy := program(t, t.TempDir(), "policy-rc.d", "exit 0 # the owner's")
	cmd, out := install(t, policy, "true")
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if text, err := os.ReadFile(policy); err != nil || !strings.Contains(string(text), "the owner's") {
		t.Errorf("%q %v", text, err)
	}
}

func TestOldPackageListsAreUpdated(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "policy-rc.d")
	// It fails until it was updated.
	cmd, out := install(t, policy, `case "$*" in *update*) touch "$DIR/updated";; *) test -e "$DIR/updated";; esac`)
	if err := cmd.Run(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	// A failure that lasts is told, and the policy is removed all the same.
	cmd, out = install(t, policy, `echo "E: Unable to locate package a-server"; exit 100`)
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 100 {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := os.Stat(policy); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the policy is still there: %v", err)
	}
	if err := Explain(errors.New("exit status 100"), out.String()); !errors.Is(err, ErrNoPackage) {
		t.Errorf("explained as %v", err)
	}
}

// A shutdown's SIGTERM in the middle doesn't leave the policy behind, and one
// that a SIGKILL has left is removed by the next run.
func TestThePolicyIsRemovedWhateverHappens(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "policy-rc.d")
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		cmd, out := install(t, policy, `echo $$ >"$DIR/pid.new"; mv "$DIR/pid.new" "$DIR/pid"; exec sleep 60`)
		dir := strings.TrimPrefix(cmd.Env[2], "DIR=")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var apt int
		await(t, func() bool {
			text, err := os.ReadFile(filepath.Join(dir, "pid"))
			if err == nil {
				_, err = fmt.Sscan(string(text), &apt)
			}
			return err == nil
		})
		if _, err := os.Stat(policy); err != nil {
			t.Fatalf("no policy while apt-get runs: %v", err)
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		// The shell's trap runs once its apt-get has ended.
		if err := syscall.Kill(apt, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Errorf("it ended well after %v\n%s", sig, out)
		}
		if _, err := os.Stat(policy); (sig == syscall.SIGTERM) != errors.Is(err, os.ErrNotExist) {
			t.Errorf("after %v: %v", sig, err)
		}
	}
	cmd, out := install(t, policy, "true")
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := os.Stat(policy); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a killed run's policy stays: %v", err)
	}
}

func await(t *testing.T, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			t.Fatal("waited in vain")
		case <-tick.C:
		}
	}
}

func TestAptLogBecomesProgress(t *testing.T) {
	var got []Progress
	log := &aptLog{reporter: &reporter{report: func(p Progress) { got = append(got, p) }, began: time.Now()},
		names: []string{"redis"}, total: 1_700_000}
	for line := range strings.Lines(`Reading package lists...
Need to get 1,351 kB of archives.
Get:1 proto://host/debian bookworm/main amd64 liblzf1 amd64 3.6-3 [10.2 kB]
Get:2 proto://host/debian bookworm/main amd64 redis-tools amd64 5:7.0.15-1~deb12u10 [1,005 kB]
Fetched 1,351 kB in 0s (12.0 MB/s)
Unpacking redis-tools (5:7.0.15-1~deb12u10) ...
Setting up redis-server (5:7.0.15-1~deb12u10) ...
`) {
		log.line(strings.TrimSpace(line))
	}
	last := got[len(got)-1]
	if last.Done != 1_015_200 || last.Total != 1_700_000 || last.Doing != "Setting up redis-server (5:7.0.15-1~deb12u10)" {
		t.Errorf("at the end: %+v", last)
	}
	if got[1].Doing != "fetching liblzf1" {
		t.Errorf("the second report: %+v", got[1])
	}
}

// The texts are what the programs printed when it happened to them.
func TestFailuresAreExplained(t *testing.T) {
	for text, want := range map[string]error{
		"E: You don't have enough free space in /var/cache/apt/archives/.":                                           ErrDiskFull,
		"dpkg: error processing archive x.deb (--unpack): failed to write: No space left on device":                  ErrDiskFull,
		"Could not transfer artifact org.apache.kafka:kafka_2.13:jar:4.1.0 from/to central: No space left on device": ErrDiskFull,
		"Temporary failure resolving 'deb'":                                                                          ErrNoNetwork,
		"Could not transfer artifact x:y:pom:1 from/to central: Unknown host repo":                                   ErrNoNetwork,
		"Connect to 127.0.0.1:1 failed: Connection refused (Connection refused)":                                     ErrNoNetwork,
		"E: Unable to locate package redis-server":                                                                   ErrNoPackage,
		"Could not find artifact x:y:jar:1 in central":                                                               ErrNoPackage,
	} {
		err := Explain(errors.New("exit status 1"), text)
		var missing *Missing
		if !errors.Is(err, want) || !errors.As(err, &missing) || missing.Do == "" {
			t.Errorf("%q is explained as %v", text, err)
		}
	}
	plain := errors.New("exit status 1")
	if err := Explain(plain, "something else"); err != plain {
		t.Errorf("an unknown failure became %v", err)
	}
	if err := Explain(fmt.Errorf("write: %w", syscall.ENOSPC), ""); !errors.Is(err, ErrDiskFull) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("ENOSPC became %v", err)
	}
}
