package engine

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"designkits/infra/backend"
	"designkits/infra/backend/catalog"
	"designkits/infra/provision"
	"designkits/infra/topology"
)

// fakeDocker puts a script named docker first on PATH that writes down its
// arguments and the KIT_ variables. So these tests are of the command lines
// that we build, and of nothing that Docker does with them: there is no engine
// on the machines that run them.
func fakeDocker(t *testing.T) (calls func() []string) {
	t.Helper()
	dir := t.TempDir()
	log := filepath.Join(dir, "calls")
	script := "#!/bin/sh\n{ echo \"$*\"; env | grep '^KIT_' | sort | sed 's/^/  /'; } >>" + log + "\n"
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return func() []string {
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(log)
		return strings.Split(strings.TrimSpace(string(text)), "\n")
	}
}

var testDocker = Docker{Place{Root: "/checkout", State: "/checkout/.kit"}}

// want checks that a call was made, given by its part after the options that
// all calls share.
func want(t *testing.T, calls []string, args string) {
	t.Helper()
	prefix := "compose --ansi never --progress plain --file /checkout/docker-compose.yml --project-name " +
		testDocker.project() + " --profile * "
	if !slices.Contains(calls, prefix+args) {
		t.Errorf("no call %q in\n%s", prefix+args, strings.Join(calls, "\n"))
	}
}

func backendNamed(t *testing.T, name string) (backend.Backend, backend.Site) {
	t.Helper()
	b, ok := catalog.ByName(name)
	if !ok {
		t.Fatalf("no backend %s", name)
	}
	site := backend.Site{Ports: map[string]int{}}
	for _, p := range b.Ports {
		site.Ports[p.Name] = p.Number + 1000
	}
	return b, site
}

func TestDockerFetchesPinnedImages(t *testing.T) {
	calls := fakeDocker(t)
	redis, _ := backendNamed(t, "redis")
	flink, _ := backendNamed(t, "flink")
	d := testDocker
	d.Root = t.TempDir() // the folder it runs in must be there
	var seen []string
	err := d.Fetch(context.Background(), []backend.Backend{redis, flink}, func(p provision.Progress) {
		if p.Finished {
			seen = append(seen, p.Name)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(calls(), "\n")
	for _, part := range []string{
		"pull --quiet --policy missing --ignore-buildable redis flink-jobmanager flink-taskmanager flink-sql-gateway",
		"build --quiet redis flink-jobmanager flink-taskmanager flink-sql-gateway",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	if !slices.Equal(seen, []string{"redis", "flink"}) {
		t.Errorf("reported %v as finished", seen)
	}
}

func TestDockerRunsABackendAttached(t *testing.T) {
	flink, site := backendNamed(t, "flink")
	specs, err := testDocker.Backend(flink, site)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"flink/jobmanager", "flink/taskmanager", "flink/sql-gateway"}
	for i, spec := range specs {
		if spec.Name != names[i] {
			t.Errorf("process %d is %s, not %s", i, spec.Name, names[i])
		}
		want(t, []string{strings.Join(spec.Command[1:], " ")},
			"up --no-deps --no-build --no-log-prefix --abort-on-container-exit flink-"+strings.TrimPrefix(names[i], "flink/"))
		for _, variable := range []string{"KIT_FLINK_PORT=9081", "KIT_FLINK_SQL_PORT=9083"} {
			if !slices.Contains(spec.Env, variable) {
				t.Errorf("%s: no %s in %v", spec.Name, variable, spec.Env)
			}
		}
		if ready := spec.Ready != nil; ready != (i == len(specs)-1) {
			t.Errorf("%s: asked whether it is ready: %v", spec.Name, ready)
		}
	}
}

func TestDockerRunsAProcess(t *testing.T) {
	spec, err := testDocker.Process(topology.Case{Name: "shortener"}, topology.Instance{
		Process: "api", Name: "api-2", Port: 9102, Addr: "127.0.0.1:9102",
		Env: []string{"CODE_KEY=abc", "NAMESPACE=test7", "REDIS=127.0.0.1:7379"}, Needs: []string{"redis"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if spec.Name != "shortener/api-2" || !strings.HasSuffix(strings.Join(spec.Command, " "), " shortener-api-2") {
		t.Errorf("runs %s as %s", spec.Name, spec.Command)
	}
	for _, variable := range []string{"KIT_SHORTENER_API_2_PORT=9102", "KIT_CODE_KEY=abc", "KIT_NAMESPACE=test7"} {
		if !slices.Contains(spec.Env, variable) {
			t.Errorf("no %s in %v", variable, spec.Env)
		}
	}
	// The variables go on through the file.
	project := load(t, spec.Env, "shortener")
	s, err := project.GetService("shortener-api-2")
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range map[string]string{"CODE_KEY": "abc", "NAMESPACE": "test7", "REDIS": "redis:6379"} {
		if got := s.Environment[key]; got == nil || *got != value {
			t.Errorf("in the container %s isn't %q", key, value)
		}
	}
}

func TestDockerSignals(t *testing.T) {
	calls := fakeDocker(t)
	redis, site := backendNamed(t, "redis")
	d := testDocker
	d.Root = t.TempDir()
	specs, err := d.Backend(redis, site)
	if err != nil {
		t.Fatal(err)
	}
	for sig, args := range map[syscall.Signal]string{
		syscall.SIGTERM: " stop --timeout 10 redis",
		syscall.SIGKILL: " kill --signal 9 redis",
		syscall.SIGSTOP: " pause redis",
		syscall.SIGCONT: " unpause redis",
		syscall.SIGQUIT: " kill --signal 3 redis",
	} {
		if err := specs[0].Signal(context.Background(), sig); err != nil {
			t.Fatal(err)
		}
		if got := calls(); !strings.HasSuffix(got[0], args) {
			t.Errorf("%v became %q, not …%q", sig, got[0], args)
		}
	}
	if err := specs[0].Prepare(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := calls(); !strings.HasSuffix(got[0], " rm --force --stop redis") {
		t.Errorf("before the start: %q", got[0])
	}
	if err := d.Wipe(context.Background(), redis, site); err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(calls(), "\n"); !strings.Contains(text, "volume rm --force "+d.project()+"_redis") {
		t.Errorf("the volume isn't removed:\n%s", text)
	}
}

// Two state folders must not share containers, volumes or a network.
func TestDockerKeepsCheckoutsApart(t *testing.T) {
	a, b := Docker{Place{State: "/a/.kit"}}, Docker{Place{State: "/b/.kit"}}
	if a.project() == b.project() || a.subnet() == b.subnet() {
		t.Errorf("%s %s and %s %s", a.project(), a.subnet(), b.project(), b.subnet())
	}
	if a.project() != (Docker{Place{State: "/a/.kit"}}).project() {
		t.Error("the project changes from run to run")
	}
}
