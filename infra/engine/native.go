package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"designkits/infra/backend"
	"designkits/infra/provision"
	"designkits/infra/supervise"
	"designkits/infra/topology"
	"designkits/shared/wasm"
)

// Native runs everything as ordinary processes of this machine.
type Native struct{ Place }

// Name is "native".
func (Native) Name() string { return "native" }

// Fetch fetches what the backends name as their sources.
func (n Native) Fetch(ctx context.Context, backends []backend.Backend, report Report) error {
	var sources []provision.Source
	for _, b := range backends {
		sources = append(sources, b.Sources...)
	}
	return provision.Fetch(ctx, n.Cache, sources, report)
}

// Build compiles the programs below the case's cmd/ into the state folder, and
// those for the browser.
func (n Native) Build(ctx context.Context, c topology.Case, report Report) error {
	bin := n.bin(c)
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return fmt.Errorf("build %s: %w", c.Name, err)
	}
	begun := time.Now()
	report(provision.Progress{Name: c.Name, Doing: "go build"})
	cmd := exec.CommandContext(ctx, "go", "build", "-o", bin+string(filepath.Separator), "./cmd/...")
	cmd.Dir = c.Dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // ours to end, not the terminal's
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("build %s: %w", c.Name, context.Cause(ctx))
		}
		return noBuild(c, fmt.Errorf("%w\n%s", err, out))
	}
	for name, folder := range c.WASM {
		report(provision.Progress{Name: c.Name, Doing: "go build " + folder + " for the browser"})
		if err := wasm.Build(ctx, filepath.Join(c.Dir, folder), c.WASMFolder(n.State, name)); err != nil {
			return noBuild(c, err)
		}
	}
	report(provision.Progress{Name: c.Name, Doing: "built", Elapsed: time.Since(begun), Finished: true})
	return nil
}

// noBuild says why, and what to do where that isn't the source.
func noBuild(c topology.Case, err error) error {
	if strings.Contains(err.Error(), "no space left on device") {
		return &provision.Missing{Kind: provision.ErrDiskFull, What: "build " + c.Name + ": the disk is full",
			Do: "free 2 GB (`go clean -cache` gives back what Go keeps), then type the same command again", Detail: err}
	}
	return fmt.Errorf("build %s: %w", c.Name, err)
}

// Program is the path of a case's program that Build has made.
func (n Native) Program(c topology.Case, name string) string { return filepath.Join(n.bin(c), name) }

func (n Native) bin(c topology.Case) string { return filepath.Join(n.State, "bin", c.Name) }

// Backend returns the server's own processes.
func (n Native) Backend(b backend.Backend, site backend.Site) ([]supervise.Spec, error) {
	if err := os.MkdirAll(site.Data, 0o755); err != nil {
		return nil, fmt.Errorf("data folder of %s: %w", b.Name, err)
	}
	specs, err := b.Units(site)
	if err != nil {
		return nil, fmt.Errorf("configure %s: %w", b.Name, err)
	}
	for i := range specs {
		specs[i].Kind = "backend"
	}
	last := &specs[len(specs)-1]
	if last.Ready == nil {
		last.Ready = func(ctx context.Context) error { return b.Ready(ctx, site) }
	}
	return specs, nil
}

// Process returns one replica; it is ready when its /readyz says so.
func (n Native) Process(c topology.Case, i topology.Instance) (supervise.Spec, error) {
	return supervise.Spec{
		Name:    c.Name + "/" + i.Name,
		Kind:    "process",
		Command: []string{n.Program(c, i.Process)},
		Env:     i.Env,
		Dir:     c.Dir,
		Needs:   i.Needs,
		Ready:   func(ctx context.Context) error { return readyz(ctx, i.Addr) },
		Ports:   []int{i.Port},
		Address: i.Addr,
	}, nil
}

// Wipe removes the server's data folder.
func (n Native) Wipe(_ context.Context, b backend.Backend, site backend.Site) error {
	if err := os.RemoveAll(site.Data); err != nil {
		return fmt.Errorf("wipe %s: %w", b.Name, err)
	}
	return nil
}

// probe asks once a connection, so that nothing is left open to a process that
// is about to stop.
var probe = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func readyz(ctx context.Context, addr string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := probe.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status + ": " + strings.TrimSpace(string(body)))
	}
	return nil
}
