package cassandra

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"designkits/cases/shortener/codes"
	"designkits/cases/shortener/linkstoretest"
	"designkits/shared/testenv"
)

func TestRangesKeepTheContract(t *testing.T) {
	own := map[*testing.T]string{}
	linkstoretest.RunRanges(t, func(t *testing.T) codes.RangeStore {
		if own[t] == "" {
			own[t] = unique()
		}
		return openDB(t).counter(own[t])
	})
}

// The test binary started again with these set is a leaser: a process that
// writes codes into a file until it has enough of them.
const (
	leaserOutput    = "SHORTENER_TEST_LEASER_OUTPUT"
	leaserCassandra = "SHORTENER_TEST_LEASER_CASSANDRA"
	leaserKeyspace  = "SHORTENER_TEST_LEASER_KEYSPACE"

	leaserCodes = 200_000
	leaserKey   = "a key for tests, of no worth"
)

func runLeaser() int {
	if err := writeCodes(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func writeCodes() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	db, err := Open(ctx, Config{Hosts: []string{os.Getenv(leaserCassandra)}, Keyspace: os.Getenv(leaserKeyspace), Timeout: 10 * time.Second})
	if err != nil {
		return err
	}
	defer db.Close()
	generator, err := codes.NewGenerator(ctx, []byte(leaserKey), db.counter("leasers"), codes.RangeSize)
	if err != nil {
		return err
	}
	defer generator.Close()
	file, err := os.Create(os.Getenv(leaserOutput))
	if err != nil {
		return err
	}
	defer file.Close()
	// Four goroutines, as in a server; and a line for each code, flushed often
	// enough that a kill finds a process in the middle of its range.
	var mu sync.Mutex
	out := bufio.NewWriterSize(file, 4096)
	errs := make(chan error)
	for range 4 {
		go func() {
			for range leaserCodes / 4 {
				code, err := generator.Next(ctx)
				if err != nil {
					errs <- err
					return
				}
				mu.Lock()
				_, err = out.WriteString(string(code) + "\n")
				mu.Unlock()
				if err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			return err
		}
	}
	return out.Flush()
}

// A leaser is such a process, as the test sees it.
type leaser struct {
	*exec.Cmd
	output string
	stderr bytes.Buffer
}

func startLeaser(t *testing.T, name, keyspace string) *leaser {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l := &leaser{Cmd: exec.Command(self), output: filepath.Join(t.TempDir(), name)}
	l.Env = append(os.Environ(), leaserOutput+"="+l.output, leaserCassandra+"="+testenv.Addr(t, "cassandra"), leaserKeyspace+"="+keyspace)
	l.Stderr = &l.stderr
	l.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Process.Kill() }) // an error says that it has ended
	return l
}

// codes returns the complete lines that the process has written.
func (l *leaser) codes(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(l.output)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(text, []byte("\n"))
	codes := make([]string, 0, len(lines))
	for _, line := range lines[:len(lines)-1] {
		codes = append(codes, string(line))
	}
	return codes
}

func (l *leaser) finish(t *testing.T) {
	t.Helper()
	if err := l.Wait(); err != nil {
		t.Fatalf("leaser: %v\n%s", err, l.stderr.String())
	}
}

// Two replicas of 200,000 codes each, one of them killed in the middle and
// started again: no code comes twice.
func TestNoCodeComesTwiceAcrossProcessesAndAKill(t *testing.T) {
	openDB(t) // so that the leasers find the tables
	survivor := startLeaser(t, "survivor", keyspace.name)
	victim := startLeaser(t, "victim", keyspace.name)
	deadline := time.Now().Add(5 * time.Minute)
	const midway = 5 * codes.RangeSize * (codes.Length + 1) // bytes
	for tick := time.Tick(time.Millisecond); ; <-tick {
		if info, err := os.Stat(victim.output); err == nil && info.Size() > midway {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the victim has not come midway in five minutes\n%s", victim.stderr.String())
		}
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // its error says that it was killed
	killed := victim.codes(t)
	if len(killed) >= leaserCodes {
		t.Fatalf("the victim had written all of its %d codes before the kill: the test shows nothing", len(killed))
	}
	restarted := startLeaser(t, "restarted", keyspace.name)
	restarted.finish(t)
	survivor.finish(t)

	seen := make(map[string]string, 3*leaserCodes)
	for name, codes := range map[string][]string{"survivor": survivor.codes(t), "victim": killed, "restarted": restarted.codes(t)} {
		if name != "victim" && len(codes) != leaserCodes {
			t.Errorf("the %s has written %d codes, wanted %d", name, len(codes), leaserCodes)
		}
		for _, code := range codes {
			if before, ok := seen[code]; ok {
				t.Errorf("%s came from the %s and from the %s", code, before, name)
			}
			seen[code] = name
		}
	}
	t.Logf("%d codes, none twice; the victim was killed after %d", len(seen), len(killed))
}
