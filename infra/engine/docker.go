package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"designkits/infra/backend"
	"designkits/infra/provision"
	"designkits/infra/supervise"
	"designkits/infra/topology"
)

// Docker runs everything as containers that docker-compose.yml describes. Each
// container is one process to the supervisor: an attached `docker compose up`
// that prints its log and ends when it ends; signals go through `docker
// compose` too.
//
// Each state folder has a compose project of its own, so that two checkouts
// have two sets of containers and volumes. Containers that a killed kit has
// left running are removed at the next start of their service.
//
// Servers keep their data in volumes. A backend's Drop can't reach into those:
// Flink's checkpoints of a dropped namespace stay until Wipe.
type Docker struct{ Place }

// Name is "docker".
func (Docker) Name() string { return "docker" }

// services are the compose services of the backends that are several
// processes; any other is one service of its own name.
var services = map[string][]string{
	"flink":      {"flink-jobmanager", "flink-taskmanager", "flink-sql-gateway"},
	"cassandra3": {"cassandra3-node-1", "cassandra3-node-2", "cassandra3-node-3"},
}

// Services returns the compose services of a backend, in start order.
func Services(b backend.Backend) []string {
	if several, ok := services[b.Name]; ok {
		return several
	}
	return []string{b.Name}
}

// Fetch pulls the images, and builds those that are built from one.
func (d Docker) Fetch(ctx context.Context, backends []backend.Backend, report Report) error {
	begun := time.Now()
	var wanted []string
	for _, b := range backends {
		wanted = append(wanted, Services(b)...)
		report(provision.Progress{Name: b.Name, Doing: "docker compose pull"})
	}
	if len(wanted) == 0 {
		return nil
	}
	for _, args := range [][]string{{"pull", "--quiet", "--policy", "missing", "--ignore-buildable"}, {"build", "--quiet"}} {
		if err := d.run(ctx, nil, append(args, wanted...)...); err != nil {
			return err
		}
	}
	for _, b := range backends {
		report(provision.Progress{Name: b.Name, Doing: "image there", Elapsed: time.Since(begun), Finished: true})
	}
	return nil
}

// Build builds the images of the case's processes.
func (d Docker) Build(ctx context.Context, c topology.Case, report Report) error {
	begun := time.Now()
	report(provision.Progress{Name: c.Name, Doing: "docker compose build"})
	args := []string{"build", "--quiet"}
	for _, p := range c.Processes {
		for _, name := range p.InstanceNames() {
			args = append(args, c.Name+"-"+name)
		}
	}
	if err := d.run(ctx, nil, args...); err != nil {
		return err
	}
	report(provision.Progress{Name: c.Name, Doing: "built", Elapsed: time.Since(begun), Finished: true})
	return nil
}

// Backend returns one process a service. The last of them is ready when the
// whole server is.
func (d Docker) Backend(b backend.Backend, site backend.Site) ([]supervise.Spec, error) {
	env := map[string]string{}
	for i, p := range b.Ports {
		if p.Internal {
			continue // between containers, where nothing else is on it
		}
		variable := capitals("KIT_" + b.Name + "_" + p.Name + "_PORT")
		if i == 0 {
			variable = capitals("KIT_" + b.Name + "_PORT")
		}
		env[variable] = strconv.Itoa(site.Ports[p.Name])
	}
	if site.Edge != "" {
		env["KIT_EDGE"] = site.Edge
	}
	var specs []supervise.Spec
	for _, service := range Services(b) {
		name := b.Name
		if part, ok := strings.CutPrefix(service, b.Name+"-"); ok {
			name += "/" + part
		}
		spec := d.spec(name, service, env)
		spec.Kind = "backend"
		specs = append(specs, spec)
	}
	last := &specs[len(specs)-1]
	last.Ready = func(ctx context.Context) error { return b.Ready(ctx, site) }
	last.ReadyWithin = 3 * time.Minute
	specs[0].Address = site.Addr(b.Ports[0].Name)
	return specs, nil
}

// Process returns one replica. Its environment stands in docker-compose.yml,
// where the other containers have other addresses than from here; what differs
// from run to run (the namespace, the secrets, the public address) is passed
// on as KIT_<NAME>.
func (d Docker) Process(c topology.Case, i topology.Instance) (supervise.Spec, error) {
	env := map[string]string{capitals("KIT_" + c.Name + "_" + i.Name + "_PORT"): strconv.Itoa(i.Port)}
	for _, assignment := range i.Env {
		key, value, _ := strings.Cut(assignment, "=")
		env["KIT_"+key] = value
	}
	spec := d.spec(c.Name+"/"+i.Name, c.Name+"-"+i.Name, env)
	spec.Kind = "process"
	spec.Needs = i.Needs
	spec.Address = i.Addr
	spec.Ready = func(ctx context.Context) error { return readyz(ctx, i.Addr) }
	return spec, nil
}

// Wipe removes the server's containers and its volumes.
func (d Docker) Wipe(ctx context.Context, b backend.Backend, _ backend.Site) error {
	if err := d.run(ctx, nil, append([]string{"rm", "--force", "--stop", "--volumes"}, Services(b)...)...); err != nil {
		return err
	}
	volumes := []string{d.project() + "_" + b.Name}
	for _, service := range Services(b) { // of a cluster each node has its own
		volumes = append(volumes, d.project()+"_"+service)
	}
	cmd := exec.CommandContext(ctx, "docker", append([]string{"volume", "rm", "--force"}, volumes...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("wipe %s: %w: %s", b.Name, err, bytes.TrimSpace(out))
	}
	return nil
}

// spec runs one service attached.
func (d Docker) spec(name, service string, env map[string]string) supervise.Spec {
	return supervise.Spec{
		Name: name,
		Command: append([]string{"docker"},
			d.compose("up", "--no-deps", "--no-build", "--no-log-prefix", "--abort-on-container-exit", service)...),
		Env: d.environ(env),
		Dir: d.Root,
		// Docker itself says which port is taken. What a killed kit has left
		// running would be in its way, and has another log.
		Prepare: func(ctx context.Context) error {
			return d.run(ctx, env, "rm", "--force", "--stop", service)
		},
		Signal: func(ctx context.Context, sig syscall.Signal) error {
			return d.run(ctx, env, signalArgs(sig, service)...)
		},
	}
}

// signalArgs says a signal in Docker's words. A paused container takes no
// SIGTERM until it is resumed, as a stopped process does.
func signalArgs(sig syscall.Signal, service string) []string {
	switch sig {
	case syscall.SIGTERM:
		return []string{"stop", "--timeout", "10", service}
	case syscall.SIGSTOP:
		return []string{"pause", service}
	case syscall.SIGCONT:
		return []string{"unpause", service}
	}
	return []string{"kill", "--signal", strconv.Itoa(int(sig)), service}
}

// compose is a docker command line for this state folder's project. Every
// profile is on: services are always named.
func (d Docker) compose(args ...string) []string {
	return append([]string{
		"compose", "--ansi", "never", "--progress", "plain",
		"--file", filepath.Join(d.Root, "docker-compose.yml"), "--project-name", d.project(), "--profile", "*",
	}, args...)
}

// environ is what docker-compose.yml's ${KIT_...} are filled in with.
func (d Docker) environ(env map[string]string) []string {
	list := []string{"KIT_SUBNET=" + d.subnet()}
	for _, key := range slices.Sorted(maps.Keys(env)) {
		list = append(list, key+"="+env[key])
	}
	return list
}

// run runs docker compose to its end.
func (d Docker) run(ctx context.Context, env map[string]string, args ...string) error {
	cmd := exec.CommandContext(ctx, "docker", d.compose(args...)...)
	cmd.Dir = d.Root
	cmd.Env = append(os.Environ(), d.environ(env)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("docker compose %s: %w", strings.Join(args, " "), context.Cause(ctx))
	case errors.Is(err, exec.ErrNotFound):
		return &provision.Missing{Kind: ErrNoDocker, What: "there is no docker on PATH", Do: "install it, or use --engine native"}
	case err != nil:
		return provision.Explain(fmt.Errorf("docker compose %s: %w\n%s", strings.Join(args, " "), err, bytes.TrimSpace(out)), string(out))
	}
	return nil
}

// mark tells state folders apart, the same at every run.
func (d Docker) mark() uint32 {
	h := fnv.New32a()
	h.Write([]byte(d.State))
	return h.Sum32()
}

func (d Docker) project() string { return fmt.Sprintf("designkits-%08x", d.mark()) }

// subnet is the first three numbers of the project's network, from the part of
// 172.16/12 that Docker's own pools don't begin with.
func (d Docker) subnet() string { return fmt.Sprintf("172.30.%d", d.mark()%250) }

func capitals(name string) string {
	return strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(name))
}
