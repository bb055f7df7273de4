package provision

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// dependencyPlugin is pinned, so that what it prints and does stays the same.
const dependencyPlugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"

// fetchMaven fetches all the POMs' runtime dependencies by one call of mvn: an
// aggregator whose modules are the POMs. They land below a temporary name in
// the cache and are renamed once they have been checked. The caller holds the
// cache's lock.
func fetchMaven(ctx context.Context, cache string, poms []Maven, r *reporter) error {
	tmp, err := os.MkdirTemp(cache, fetchPrefix)
	if err != nil {
		return Explain(fmt.Errorf("make a folder in the cache: %w", err), "")
	}
	defer os.RemoveAll(tmp)
	if err := writeReactor(tmp, poms); err != nil {
		return Explain(err, "")
	}
	if err := runMaven(ctx, tmp, poms, r); err != nil {
		return err
	}
	for _, m := range poms {
		fetched := filepath.Join(tmp, m.Name)
		if err := seal(fetched, isJar); err != nil {
			return Explain(fmt.Errorf("check %s: %w", m.Name, err), "")
		}
		if err := place(fetched, m.Dir(cache), m.Name); err != nil {
			return err
		}
		r.say(Progress{Name: m.Name, Doing: "fetched and checked", Done: m.Bytes, Total: m.Bytes, Finished: true})
	}
	return nil
}

// writeReactor writes the aggregator POM and one folder a module.
func writeReactor(dir string, poms []Maven) error {
	var modules strings.Builder
	for _, m := range poms {
		if err := os.Mkdir(filepath.Join(dir, m.Name), 0o755); err != nil {
			return fmt.Errorf("lay out the Maven project: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, m.Name, "pom.xml"), m.POM, 0o644); err != nil {
			return fmt.Errorf("lay out the Maven project: %w", err)
		}
		fmt.Fprintf(&modules, "<module>%s</module>", m.Name)
	}
	// It stands in a folder of its own, so that its lib folder isn't a module's.
	aggregator := `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>` +
		`<groupId>designkits</groupId><artifactId>all</artifactId><version>1</version><packaging>pom</packaging>` +
		`<modules>` + modules.String() + `</modules></project>`
	if err := os.WriteFile(filepath.Join(dir, "pom.xml"), []byte(aggregator), 0o644); err != nil {
		return fmt.Errorf("lay out the Maven project: %w", err)
	}
	return nil
}

// runMaven runs mvn in dir, which ends with ctx and with this process.
func runMaven(ctx context.Context, dir string, poms []Maven, r *reporter) error {
	cmd := exec.CommandContext(ctx, "mvn", "--batch-mode", "--strict-checksums", "-Dstyle.color=never",
		dependencyPlugin+":copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+libName)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	log := &mavenLog{reporter: r, done: map[string]int64{}, total: map[string]int64{}}
	for _, m := range poms {
		log.total[m.Name] = m.Bytes
	}
	err := follow(cmd, log.follow)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("fetch by Maven: %w", ctx.Err())
	case err != nil:
		failure := strings.Join(log.errors, "\n")
		return Explain(fmt.Errorf("run mvn: %w\n%s", err, failure), failure)
	}
	return nil
}

// A mavenLog reads what mvn prints in batch mode.
type mavenLog struct {
	*reporter
	module string // the one being resolved
	done   map[string]int64
	total  map[string]int64
	errors []string // the first lines it called errors, without its advice
}

var (
	mavenBuilding   = regexp.MustCompile(`^\[INFO\] Building (\S+) `)
	mavenDownloaded = regexp.MustCompile(`^(?:\[INFO\] )?Downloaded from \S+: (\S+) \(([\d.]+) (B|kB|MB|GB) at`)
	// What Maven adds to each failure, about itself.
	mavenAdvice = regexp.MustCompile(`^\s*($|-> \[Help|\[Help|To see the full|Re-run Maven|For more information|After correcting)`)
	mavenUnits  = map[string]float64{"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}
)

// follow reads to the end of out, which it must, or mvn would block.
func (l *mavenLog) follow(out io.Reader) {
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		l.line(strings.TrimRight(line, "\r\n"))
		if err != nil {
			return
		}
	}
}

func (l *mavenLog) line(line string) {
	if m := mavenBuilding.FindStringSubmatch(line); m != nil {
		l.module = m[1]
		if total, ours := l.total[l.module]; ours {
			l.say(Progress{Name: l.module, Doing: "resolving", Done: l.done[l.module], Total: total})
		}
	}
	if m := mavenDownloaded.FindStringSubmatch(line); m != nil {
		size, err := strconv.ParseFloat(m[2], 64)
		total, ours := l.total[l.module]
		if err != nil || !ours {
			return
		}
		l.done[l.module] += int64(size * mavenUnits[m[3]])
		l.say(Progress{Name: l.module, Doing: path.Base(m[1]), Done: l.done[l.module], Total: max(total, l.done[l.module])})
	}
	if text, ok := strings.CutPrefix(line, "[ERROR]"); ok && len(l.errors) < 3 && !mavenAdvice.MatchString(text) {
		l.errors = append(l.errors, strings.TrimSpace(text))
	}
}
