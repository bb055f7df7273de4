package provision

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small is a real artifact with one dependency, 60 kB in all.
var small = Maven{Name: "small", Version: "1", Bytes: 60_000, POM: []byte(`<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>designkits</groupId><artifactId>small</artifactId><version>1</version><packaging>pom</packaging>
<dependencies><dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency></dependencies>
</project>`)}

// another has the same dependencies under another name.
var another = Maven{Name: "another", Version: "1", Bytes: 60_000, POM: bytes.ReplaceAll(small.POM, []byte("small</"), []byte("another</"))}

func fetch(t *testing.T, cache string, sources ...Source) (finished []string) {
	t.Helper()
	err := Fetch(t.Context(), cache, sources, func(p Progress) {
		if p.Finished {
			finished = append(finished, p.Name)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return finished
}

func TestFetchedOnceAndForAll(t *testing.T) {
	cache := t.TempDir()
	if got := fetch(t, cache, small, another); strings.Join(got, " ") != "small another" {
		t.Fatalf("the first time it fetched %v", got)
	}
	for _, jar := range []string{"slf4j-simple-1.7.36.jar", "slf4j-api-1.7.36.jar"} {
		if _, err := os.Stat(filepath.Join(small.Lib(cache), jar)); err != nil {
			t.Error(err)
		}
	}
	t.Setenv("PATH", t.TempDir()) // to find that all is there needs no Maven
	if got := fetch(t, cache, small, another); got != nil {
		t.Errorf("the second time it fetched %v", got)
	}
	if _, _, installed := small.Describe(t.Context(), cache); !installed {
		t.Error("described as missing")
	}
	left, err := filepath.Glob(filepath.Join(cache, ".fetch-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// Whatever happens to a jar, the next start has the real one again, and leaves
// the other sources alone.
func TestDamageIsFetchedAgain(t *testing.T) {
	cache := t.TempDir()
	fetch(t, cache, small, another)
	jar := filepath.Join(small.Lib(cache), "slf4j-api-1.7.36.jar")
	whole, err := os.ReadFile(jar)
	if err != nil {
		t.Fatal(err)
	}
	garbled := bytes.Clone(whole)
	garbled[len(garbled)/2] ^= 1
	for name, damage := range map[string]func() error{
		"a bit flipped":    func() error { return os.WriteFile(jar, garbled, 0o644) },
		"truncated":        func() error { return os.Truncate(jar, int64(len(whole)/2)) },
		"removed":          func() error { return os.Remove(jar) },
		"a jar too many":   func() error { return os.WriteFile(filepath.Join(small.Lib(cache), "evil.jar"), whole, 0o644) },
		"no manifest":      func() error { return os.Remove(filepath.Join(small.Dir(cache), manifestName)) },
		"manifest garbled": func() error { return os.WriteFile(filepath.Join(small.Dir(cache), manifestName), []byte("{"), 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			good := t.TempDir()
			if err := os.CopyFS(good, os.DirFS(small.Dir(cache))); err != nil {
				t.Fatal(err)
			}
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			if small.Verify(cache) == nil {
				t.Error("the damage isn't noticed")
			}
			if err := errors.Join(os.RemoveAll(small.Dir(cache)), os.CopyFS(small.Dir(cache), os.DirFS(good)), small.Verify(cache)); err != nil {
				t.Fatal(err)
			}
		})
	}
	if err := os.WriteFile(jar, garbled, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := fetch(t, cache, small, another); strings.Join(got, " ") != "small" {
		t.Errorf("fetched %v", got)
	}
	if now, err := os.ReadFile(jar); err != nil || !bytes.Equal(now, whole) {
		t.Errorf("the jar isn't what it was: %v", err)
	}
}

// A file that was only copied or touched is hashed and found good.
func TestTouchedIsNotDamaged(t *testing.T) {
	cache := t.TempDir()
	fetch(t, cache, small)
	jar := filepath.Join(small.Lib(cache), "slf4j-api-1.7.36.jar")
	if err := os.Chtimes(jar, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := fetch(t, cache, small); got != nil {
		t.Errorf("fetched %v again", got)
	}
}

func TestTwoKitsTakeTurns(t *testing.T) {
	cache := t.TempDir()
	unlock, err := lock(t.Context(), filepath.Join(cache, "fetch.lock"), func(string) { t.Error("waits for nobody") })
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan string, 10)
	var wg sync.WaitGroup
	wg.Go(func() {
		err := Fetch(t.Context(), cache, []Source{small}, func(p Progress) {
			if strings.HasPrefix(p.Doing, "waiting") {
				waiting <- p.Doing
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
	select {
	case said := <-waiting:
		if !strings.Contains(said, "pid") {
			t.Errorf("it doesn't say for whom: %q", said)
		}
	case <-time.After(20 * time.Second):
		t.Error("the second kit doesn't say that it waits")
	}
	if small.Verify(cache) == nil {
		t.Error("it fetched while the other held the lock")
	}
	unlock()
	wg.Wait()
	if err := small.Verify(cache); err != nil {
		t.Error(err)
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	cache := t.TempDir()
	unlock, err := lock(t.Context(), filepath.Join(cache, "fetch.lock"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	err = Fetch(ctx, cache, []Source{small}, func(Progress) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// An interrupted fetch leaves nothing that could be taken for the whole.
func TestInterruptedFetchLeavesNothing(t *testing.T) {
	cache := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun := time.Now()
	err := Fetch(ctx, cache, []Source{small}, func(Progress) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if took := time.Since(begun); took > time.Minute {
		t.Errorf("the interruption took %s", took)
	}
	found, err := os.ReadDir(cache)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if f.Name() != "fetch.lock" {
			t.Errorf("left behind: %s", f.Name())
		}
	}
	// What a kit that was killed has left goes with the next fetch.
	stale := filepath.Join(cache, ".fetch-stale")
	if err := os.Mkdir(stale, 0o755); err != nil {
		t.Fatal(err)
	}
	fetch(t, cache, small)
	if _, err := os.Stat(stale); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the stale folder is still there: %v", err)
	}
}

// A Maven that can't reach anything, and one that is asked for what there
// isn't, are told apart.
func TestMavenFailuresSayWhatHelps(t *testing.T) {
	// An empty local repository, and a proxy that isn't there.
	t.Setenv("MAVEN_OPTS", "-Dmaven.repo.local="+t.TempDir()+
		" -Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=1 -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=1")
	err := Fetch(t.Context(), t.TempDir(), []Source{small}, nil)
	if !errors.Is(err, ErrNoNetwork) {
		t.Errorf("without a network: %v", err)
	}
	t.Setenv("MAVEN_OPTS", "")
	typo := Maven{Name: "typo", Version: "1", POM: bytes.ReplaceAll(small.POM, []byte("1.7.36"), []byte("1.7.3600"))}
	if err := Fetch(t.Context(), t.TempDir(), []Source{typo}, nil); !errors.Is(err, ErrNoPackage) {
		t.Errorf("a version that there isn't: %v", err)
	}
}

func TestWithoutMaven(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := Fetch(t.Context(), t.TempDir(), []Source{small}, nil)
	if !errors.Is(err, ErrNoMaven) || !strings.Contains(err.Error(), "apt-get install -y maven") {
		t.Errorf("got %v", err)
	}
}

func TestMavenLogBecomesProgress(t *testing.T) {
	var got []Progress
	log := &mavenLog{reporter: &reporter{report: func(p Progress) { got = append(got, p) }, began: time.Now()},
		done: map[string]int64{}, total: map[string]int64{"kafka": 1000, "flink": 5_000_000}}
	log.follow(strings.NewReader(`[INFO] Scanning for projects...
[INFO] Building all 1                                                     [1/3]
[INFO] Downloaded from central: proto://host/plugin.pom (4 kB at 99 kB/s)
[INFO] Building kafka 4.1.0                                               [2/3]
[INFO] Downloading from central: proto://host/org/a/a-1.pom
[INFO] Downloaded from central: proto://host/org/a/a-1.pom (500 B at 9.9 kB/s)
Downloaded from mirror: proto://host/org/a/a-1.jar (1.5 kB at 1.0 MB/s)
[INFO] Building flink 1.20.3                                              [3/3]
[INFO] Downloaded from central: proto://host/org/f/f-1.jar (2.5 MB at 12 MB/s)
[ERROR] Failed to execute goal
[ERROR] 
[ERROR] To see the full stack trace of the errors, re-run Maven with the -e switch.`))
	want := []Progress{
		{Name: "kafka", Doing: "resolving", Total: 1000},
		{Name: "kafka", Doing: "a-1.pom", Done: 500, Total: 1000},
		{Name: "kafka", Doing: "a-1.jar", Done: 2000, Total: 2000}, // never more than all
		{Name: "flink", Doing: "resolving", Total: 5_000_000},
		{Name: "flink", Doing: "f-1.jar", Done: 2_500_000, Total: 5_000_000},
	}
	if len(got) != len(want) {
		t.Fatalf("%d reports: %+v", len(got), got)
	}
	for i := range want {
		got[i].Elapsed = 0
		if got[i] != want[i] {
			t.Errorf("report %d is %+v, not %+v", i, got[i], want[i])
		}
	}
	if len(log.errors) != 1 || log.errors[0] != "Failed to execute goal" {
		t.Errorf("errors: %q", log.errors)
	}
}
