// Package provision fetches what the native engine needs and this machine
// lacks: Debian packages, JVM servers from Maven by a pinned POM, servers
// written in Go by `go install`, and programs in Python.
//
// Whatever it has fetched is checked before it is used, at every start: a file
// that is missing, truncated or altered is fetched again. Nothing half-fetched
// is ever in a place where it could be used, and two kits that fetch at once
// take turns. What it can't get by itself it says as a *Missing, with the line
// to type.
//
// It starts no server, and it keeps Debian's packages from starting theirs.
package provision

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// A Source is one thing to fetch: a Debian, a Maven, a Go or a Python. Debians that
// are wanted together are fetched by one call of apt-get, Mavens by one of mvn.
type Source interface {
	// Describe says what it is and about how large the download is, in bytes,
	// for `kit doctor`; installed says that nothing would be fetched.
	Describe(ctx context.Context, cache string) (what string, bytes int64, installed bool)
}

// Progress is how far one source has come.
type Progress struct {
	Name     string        // the source's: "cassandra"
	Doing    string        // the step, for a person: "cassandra-all-5.0.5.jar"
	Done     int64         // bytes fetched so far
	Total    int64         // about how many there will be
	Elapsed  time.Duration // since Fetch began
	Finished bool          // the source is there and was checked
}

// CacheDir is the user's folder for what is fetched, shared by all checkouts.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder: %w (set HOME or XDG_CACHE_HOME)", err)
	}
	return filepath.Join(dir, "designkits"), nil
}

// fetchPrefix begins the names of what is being fetched, in the cache.
const fetchPrefix = ".fetch-"

// Fetch makes sure that every source is there and intact, and fetches those
// that are not: the Debian ones by one apt-get call, the Maven ones by one mvn
// call, the Go ones by go install, the three side by side; then the Python ones,
// whose interpreter may be among the first. It takes milliseconds when nothing is missing.
//
// What would make it fail (no rights, no Maven, another operating system) is
// looked for before anything is downloaded and reported as a *Missing. report
// may be nil; it is never called by two goroutines at once. When ctx ends,
// Maven and go are stopped and their half-fetched files are removed; apt-get is
// waited for, since dpkg must not be interrupted.
func Fetch(ctx context.Context, cache string, sources []Source, report func(Progress)) error {
	r := &reporter{report: report, began: time.Now()}
	wanted, err := wanting(ctx, cache, sources)
	if err != nil || wanted.none() {
		return err
	}
	root, err := wanted.preflight(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return Explain(fmt.Errorf("make the cache folder: %w", err), "")
	}
	unlock, err := lock(ctx, filepath.Join(cache, "fetch.lock"), func(holder string) {
		for _, name := range wanted.names() {
			r.say(Progress{Name: name, Doing: "waiting for another kit that is fetching" + holder})
		}
	})
	if err != nil {
		return err
	}
	defer unlock()
	// The other kit may have fetched it all while this one waited.
	if wanted, err = wanting(ctx, cache, sources); err != nil {
		return err
	}

	stale, _ := filepath.Glob(filepath.Join(cache, fetchPrefix+"*")) // of a kit that was killed; the pattern is well-formed
	for _, dir := range stale {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove what a killed kit has left: %w", err)
		}
	}

	var wg sync.WaitGroup
	var aptErr, mvnErr, goErr error
	if len(wanted.debs) > 0 {
		wg.Go(func() { aptErr = installDebian(ctx, cache, root, wanted.debs, r) })
	}
	if len(wanted.poms) > 0 {
		wg.Go(func() { mvnErr = fetchMaven(ctx, cache, wanted.poms, r) })
	}
	if len(wanted.programs) > 0 {
		wg.Go(func() { goErr = installGo(ctx, cache, wanted.programs, r) })
	}
	wg.Wait()
	if err := errors.Join(aptErr, mvnErr, goErr); err != nil {
		return err
	}
	return fetchPython(ctx, cache, wanted.pythons, r)
}

// wants are the sources that are not there or not intact, by their kind.
type wants struct {
	debs     []Debian
	poms     []Maven
	programs []Go
	pythons  []Python
}

func (w wants) none() bool { return len(w.debs)+len(w.poms)+len(w.programs)+len(w.pythons) == 0 }

// wanting sorts out the sources that are not there or not intact.
func wanting(ctx context.Context, cache string, sources []Source) (w wants, err error) {
	for _, s := range sources {
		if err := ctx.Err(); err != nil {
			return wants{}, err
		}
		switch s := s.(type) {
		case Debian:
			if _, err := s.Path(); err != nil {
				w.debs = append(w.debs, s)
			}
		case Maven:
			if err := s.Verify(cache); err != nil {
				w.poms = append(w.poms, s)
			}
		case Go:
			if err := s.Verify(cache); err != nil {
				w.programs = append(w.programs, s)
			}
		case Python:
			if err := s.Verify(cache); err != nil {
				w.pythons = append(w.pythons, s)
			}
		default:
			return wants{}, fmt.Errorf("fetch %T: no such kind of source", s)
		}
	}
	return w, nil
}

// preflight looks for what would make the fetching fail, and returns the
// command prefix that gives root's rights.
func (w wants) preflight(ctx context.Context) (root []string, err error) {
	var missing []error
	if len(w.debs) > 0 {
		if root, err = aptRights(ctx, os.Geteuid(), w.debs); err != nil {
			missing = append(missing, err)
		}
	}
	if len(w.poms) > 0 {
		if _, err := Java(ctx); err != nil {
			missing = append(missing, err)
		}
		if err := findMaven(); err != nil {
			missing = append(missing, err)
		}
	}
	if len(w.programs) > 0 {
		if err := findGo(); err != nil {
			missing = append(missing, err)
		}
	}
	return root, errors.Join(missing...)
}

func (w wants) names() (all []string) {
	for _, d := range w.debs {
		all = append(all, d.Name)
	}
	for _, m := range w.poms {
		all = append(all, m.Name)
	}
	for _, g := range w.programs {
		all = append(all, g.Name)
	}
	for _, p := range w.pythons {
		all = append(all, p.Name)
	}
	return all
}

// A reporter passes progress on, one call at a time.
type reporter struct {
	mu     sync.Mutex
	report func(Progress)
	began  time.Time
}

func (r *reporter) say(p Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.report == nil {
		return
	}
	p.Elapsed = time.Since(r.began)
	r.report(p)
}
