package clicks_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/clicks"
	"designkits/shared/fault/link"
	"designkits/shared/testenv"
)

// A kill -9 is the one thing that costs clicks. The test is run again as a
// child that records and says what it has recorded, and is killed.
func TestAKillCostsNoMoreThanTheLastFlushes(t *testing.T) {
	const child = "SHORTENER_TEST_CHILD"
	if settings := os.Getenv(child); settings != "" {
		part := strings.Fields(settings)
		r := record(t, part[0], part[1], part[2], nil)
		go func() { // until the process is killed
			for {
				fmt.Fprintf(os.Stderr, "late %d\n", late(t, part[2]+"-canary"))
			}
		}()
		every := time.NewTicker(200 * time.Microsecond)
		for n := 0; ; n++ {
			<-every.C
			at := time.Now()
			r.Record(visit(n))
			fmt.Fprintf(os.Stderr, "recorded %d %d\n", n, at.UnixNano())
		}
	}
	for name, away := range map[string]bool{"while the log answers": false, "while the log is away": true} {
		t.Run(name, func(t *testing.T) {
			lost, machine := killed(t, child, away)
			t.Logf("the oldest click lost was recorded %s before the kill (stated: %s; this machine itself was up to %s late)",
				lost.Round(time.Millisecond), clicks.SafeWithin, machine.Round(time.Millisecond))
			// Two timers and a disk sync, one after the other, may each have been as late.
			if limit := clicks.SafeWithin + 3*machine; lost > limit {
				t.Errorf("a click that was %s old was lost, want at most %s", lost, limit)
			}
		})
	}
}

// late is by how much a timer and a disk sync, the two things that a flush waits
// for, took longer here than they should: the promise can't be kept faster than
// the machine.
func late(t *testing.T, path string) time.Duration {
	const pause = 25 * time.Millisecond
	began := time.Now()
	<-time.After(pause)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("as a click")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return time.Since(began) - pause
}

// killed runs the child, kills it, and replays what it left. It returns how long
// before the kill the oldest click that is lost was recorded, and by how much
// the machine itself was late meanwhile.
func killed(t *testing.T, child string, away bool) (oldest, machine time.Duration) {
	t.Helper()
	way, err := link.Open(testenv.Addr(t, "kafka"))
	if err != nil {
		t.Fatal(err)
	}
	defer way.Close()
	if away {
		way.Cut()
	}
	namespace, dir := testenv.Namespace(t), t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAKillCostsNoMoreThanTheLastFlushes$")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %s", child, namespace, way.Addr(), dir))
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	recorded := map[shortener.Code]time.Time{}
	var killedAt, last time.Time
	kill := 1500 + rand.IntN(1500)
	for lines := bufio.NewScanner(said); lines.Scan(); {
		part := strings.Fields(lines.Text())
		if len(part) == 2 && part[0] == "late" {
			took, _ := strconv.ParseInt(part[1], 10, 64) // the last line may be torn
			machine = max(machine, time.Duration(took))
		}
		if len(part) != 3 || part[0] != "recorded" {
			continue
		}
		n, err := strconv.Atoi(part[1])
		at, err2 := strconv.ParseInt(part[2], 10, 64)
		if err != nil || err2 != nil {
			continue // the last line may be torn
		}
		recorded[shortener.Code(fmt.Sprintf("c%07d", n))] = time.Unix(0, at)
		if n > 0 { // the child records all the time, unless the machine doesn't let it
			machine = max(machine, time.Unix(0, at).Sub(last))
		}
		last = time.Unix(0, at)
		if n == kill {
			killedAt = time.Now()
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, _ = io.Copy(io.Discard, said)
	_ = cmd.Wait() // it was killed
	if killedAt.IsZero() {
		t.Fatalf("the child ended by itself after %d clicks", len(recorded))
	}
	machine = max(machine, killedAt.Sub(last))
	if err := way.Mend(); err != nil {
		t.Fatal(err)
	}
	replay(t, namespace, way.Addr(), dir)
	all, _ := byID(t, logged(t, namespace))
	for _, click := range all {
		delete(recorded, click.Code)
	}
	for _, at := range recorded {
		oldest = max(oldest, killedAt.Sub(at))
	}
	t.Logf("%d clicks are in the log, %d are lost", len(all), len(recorded))
	if len(all) == 0 {
		t.Fatal("nothing was kept: the test proves nothing")
	}
	return oldest, machine
}
