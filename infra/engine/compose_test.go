package engine

import (
	"context"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"

	"designkits/infra/backend"
	"designkits/infra/backend/catalog"
	"designkits/infra/topology"
)

// root is the top of the checkout.
const root = "../.."

// load reads docker-compose.yml as `docker compose` does, with the profiles on
// and the variables set.
func load(t *testing.T, env []string, profiles ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")},
		cli.WithProfiles(profiles), cli.WithEnv(env), cli.WithWorkingDirectory(root))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		t.Fatalf("load docker-compose.yml: %v", err)
	}
	return project
}

// published lists what a service publishes, "127.0.0.1:8083" to the port inside.
func published(t *testing.T, s types.ServiceConfig) map[string]uint32 {
	t.Helper()
	all := map[string]uint32{}
	for _, p := range s.Ports {
		all[net.JoinHostPort(p.HostIP, p.Published)] = p.Target
	}
	return all
}

// The two engines must mean the same servers: the same versions on the same
// ports with the same memory.
func TestComposeAgreesWithBackends(t *testing.T) {
	project := load(t, nil, "*")
	for _, b := range catalog.Known {
		t.Run(b.Name, func(t *testing.T) {
			var memory int64
			open := map[string]uint32{}
			for _, name := range Services(b) {
				s, err := project.GetService(name)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Contains(s.Profiles, b.Name) {
					t.Errorf("%s: profiles %v have no %q, so that the backend can't be had alone", name, s.Profiles, b.Name)
				}
				_, tag, _ := strings.Cut(s.Image, ":")
				if !sameVersion(strings.TrimPrefix(tag, "v"), b.Version) {
					t.Errorf("%s: image %s, but the native version is %s", name, s.Image, b.Version)
				}
				memory += int64(s.MemLimit)
				maps.Copy(open, published(t, s))
			}
			if memory != b.Memory {
				t.Errorf("mem_limit is %d MiB in all, Memory is %d MiB", memory>>20, b.Memory>>20)
			}
			wanted := map[string]bool{}
			for _, p := range b.Ports {
				if !p.Internal {
					wanted[net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Number))] = true
				}
			}
			for addr := range open {
				if !wanted[addr] {
					t.Errorf("publishes %s, which is none of the backend's ports %v", addr, b.Ports)
				}
				delete(wanted, addr)
			}
			for addr := range wanted {
				t.Errorf("doesn't publish %s", addr)
			}
		})
	}
}

// sameVersion takes "1.22" and "1.22" as the same, and "7.0" and "7.0.15" not.
func sameVersion(tag, version string) bool {
	return tag == version || strings.HasPrefix(tag, version+"-")
}

func TestComposeIsSafeAndWatched(t *testing.T) {
	project := load(t, nil, "*")
	if len(project.Services) == 0 {
		t.Fatal("no services")
	}
	for name, s := range project.Services {
		t.Run(name, func(t *testing.T) {
			if s.HealthCheck == nil || s.HealthCheck.Disable || len(s.HealthCheck.Test) < 2 {
				t.Error("has no health check")
			} else if test := strings.Join(s.HealthCheck.Test, " "); !protocol.MatchString(test) {
				t.Errorf("its health check %q is no round trip in a protocol", test)
			}
			for addr := range published(t, s) {
				if host, _, _ := net.SplitHostPort(addr); host != "127.0.0.1" {
					t.Errorf("publishes %s, and not on loopback alone", addr)
				}
			}
			if s.Privileged || len(s.CapAdd) > 0 || len(s.Ulimits) > 0 || s.NetworkMode == "host" || s.Pid != "" {
				t.Error("asks for rights or limits that a container doesn't have by itself")
			}
			if s.MemLimit == 0 {
				t.Error("has no mem_limit")
			}
			if s.Build == nil && !regexp.MustCompile(`^[a-z./-]+:v?\d+\.\d+`).MatchString(s.Image) {
				t.Errorf("image %q isn't pinned by its version", s.Image)
			}
			if len(s.Profiles) == 0 {
				t.Error("has no profile: it would start with everything")
			}
			for _, v := range s.Volumes {
				if v.Type == types.VolumeTypeBind && !v.ReadOnly {
					t.Errorf("writes into the checkout: %s", v.Source)
				}
				if v.Type == types.VolumeTypeBind {
					if _, err := os.Stat(v.Source); err != nil {
						t.Errorf("mounts what isn't there: %v", err)
					}
				}
			}
			for key, value := range s.Environment {
				if value != nil && *value != "" && regexp.MustCompile(`(?i)_KEY$|SECRET|PASSWORD`).MatchString(key) {
					t.Errorf("%s has its value in the file", key)
				}
			}
		})
	}
}

// protocol are the commands that speak a server's own protocol.
var protocol = regexp.MustCompile(`redis-cli SET|psql .* -c|cqlsh -e|zkCli.sh create|versitygw admin .* list-buckets|kafka-broker-api-versions|wget -qO- http|curl -fsS`)

// One profile a case: everything that case.yaml names is in it, with the same
// variables and ports, and whatever a process needs is healthy before it.
func TestProfileOfACaseIsTheCase(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "cases", "*", "case.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("found no case: %v", err)
	}
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file))
		t.Run(name, func(t *testing.T) {
			c, err := topology.Load(root, name)
			if err != nil {
				t.Fatal(err)
			}
			project := load(t, nil, name)
			var wanted []string
			for _, v := range c.Variants {
				for _, p := range v.Processes {
					i := slices.IndexFunc(c.Processes, func(own topology.Process) bool { return own.Name == p.Name })
					c.Processes[i].Env = maps.Clone(c.Processes[i].Env)
					maps.Copy(c.Processes[i].Env, p.Env) // a container has the variables of all variants
				}
			}
			for _, n := range c.Backends {
				b, ok := catalog.ByName(n)
				if !ok {
					t.Fatalf("no backend %s", n)
				}
				wanted = append(wanted, Services(b)...)
			}
			for _, p := range c.Processes {
				for i, instance := range p.InstanceNames() {
					service := name + "-" + instance
					wanted = append(wanted, service)
					s, err := project.GetService(service)
					if err != nil {
						t.Error(err)
						continue
					}
					checkProcess(t, c, p, p.Port+i, s)
				}
			}
			got := project.ServiceNames()
			slices.Sort(got)
			slices.Sort(wanted)
			if !slices.Equal(got, wanted) {
				t.Errorf("the profile has %v, case.yaml means %v", got, wanted)
			}
		})
	}
}

func checkProcess(t *testing.T, c topology.Case, p topology.Process, port int, s types.ServiceConfig) {
	t.Helper()
	for key := range p.Env {
		if _, ok := s.Environment[key]; !ok {
			t.Errorf("%s: no variable %s, which case.yaml has", s.Name, key)
		}
	}
	for key := range s.Environment {
		if _, ok := p.Env[key]; !ok && key != "GENERATED" {
			t.Errorf("%s: the variable %s is unknown to case.yaml", s.Name, key)
		}
	}
	if want := map[string]uint32{net.JoinHostPort("127.0.0.1", strconv.Itoa(port)): uint32(port)}; !maps.Equal(published(t, s), want) {
		t.Errorf("%s: publishes %v, case.yaml means %v", s.Name, published(t, s), want)
	}
	for _, need := range p.Needs {
		if d, ok := s.DependsOn[need]; !ok || d.Condition != types.ServiceConditionHealthy {
			t.Errorf("%s: doesn't wait until %s is healthy", s.Name, need)
		}
	}
	if s.Build == nil || s.Build.Args["CASE"] == nil || *s.Build.Args["CASE"] != c.Name || *s.Build.Args["PROCESS"] != p.Name {
		t.Errorf("%s: isn't built as %s of %s", s.Name, p.Name, c.Name)
	}
	for key, value := range p.Env {
		name, ok := strings.CutPrefix(value, "${wasm.")
		if !ok {
			continue
		}
		name = strings.TrimSuffix(name, "}")
		if s.Build == nil || s.Build.Args["WASM"] == nil || *s.Build.Args["WASM"] != name+":"+c.WASM[name] {
			t.Errorf("%s: its image isn't built with WASM: %s:%s", s.Name, name, c.WASM[name])
		}
		if got := s.Environment[key]; got == nil || *got != "/wasm/"+name {
			t.Errorf("%s: %s isn't /wasm/%s", s.Name, key, name)
		}
	}
}

// In its image a case is built with nothing of the repository but itself and
// shared/, so its go.mod and go.sum must be whole without the workspace.
func TestProcessesBuildWithoutTheWorkspace(t *testing.T) {
	mains, err := filepath.Glob(filepath.Join(root, "cases", "*", "cmd"))
	if err != nil || len(mains) == 0 {
		t.Fatalf("found no case: %v", err)
	}
	clients, err := filepath.Glob(filepath.Join(root, "cases", "*", "client", "go.mod")) // modules of their own
	if err != nil {
		t.Fatal(err)
	}
	mains = append(mains, clients...)
	for _, dir := range mains {
		list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "./cmd/...")
		list.Dir = filepath.Dir(dir)
		list.Env = append(os.Environ(), "GOWORK=off")
		out, err := list.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", list.Dir, err, out)
		}
		if strings.Contains(string(out), "designkits/infra") {
			t.Errorf("%s: imports infra", list.Dir)
		}
	}
}

// --port-offset works through variables: what the engine passes must move
// every published port.
func TestPortsMove(t *testing.T) {
	const offset = 500
	d := Docker{Place{Root: root, State: "/tmp/state"}}
	for _, b := range catalog.Known {
		site := backend.Site{Ports: map[string]int{}}
		moved := map[string]bool{}
		for _, p := range b.Ports {
			site.Ports[p.Name] = p.Number + offset
			moved[strconv.Itoa(p.Number+offset)] = true
		}
		specs, err := d.Backend(b, site)
		if err != nil {
			t.Fatal(err)
		}
		project := load(t, specs[0].Env, "*")
		for _, name := range Services(b) {
			s, err := project.GetService(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range s.Ports {
				if !moved[p.Published] {
					t.Errorf("%s still publishes %s with an offset of %d", name, p.Published, offset)
				}
			}
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
