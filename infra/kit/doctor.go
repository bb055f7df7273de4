package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"designkits/infra/backend/catalog"
	"designkits/infra/check"
	"designkits/infra/control"
	"designkits/infra/engine"
	"designkits/infra/launch"
	"designkits/infra/provision"
	"designkits/infra/supervise"
)

func doctorCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "What this machine has, which engine will be used, what would be fetched; changes nothing",
		Args:  arguments(cobra.NoArgs, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			place, err := o.place()
			if err != nil {
				return err
			}
			return doctor(cmd.Context(), o, place, cmd)
		},
	}
}

func doctor(ctx context.Context, o *options, place engine.Place, cmd *cobra.Command) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	row := func(what, format string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", what, fmt.Sprintf(format, args...)) }
	row("system", "%s/%s, %d cores", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	row("memory", "%s free", launch.MB(launch.MemoryFree()))
	row("disk", "%s free in %s, %s in %s", diskFree(place.Root), place.Root, diskFree(place.Cache), place.Cache)
	row("go", "%s", strings.TrimPrefix(runtime.Version(), "go"))
	eng, err := engine.Choose(ctx, o.engine, place)
	if err != nil {
		return err
	}
	row("docker", "%s", engine.DockerAnswer(ctx))
	row("engine", "%s", eng.Name())
	var lacking []string
	if eng.Name() == "native" {
		for _, tool := range []struct {
			name  string
			check func() (string, error)
		}{
			{"java", func() (string, error) { return provision.Java(ctx) }},
			{"maven", func() (string, error) { return exec.LookPath("mvn") }},
			{"c compiler", func() (string, error) { return "there", check.Compiler(ctx) }},
		} {
			found, err := tool.check()
			if err != nil {
				found = "MISSING: " + err.Error()
				lacking = append(lacking, tool.name)
			}
			row(tool.name, "%s", found)
		}
	}
	var fetch int64
	var need int64
	for _, b := range catalog.All {
		state := "there"
		if eng.Name() == "native" {
			for _, s := range b.Sources {
				what, bytes, installed := s.Describe(ctx, place.Cache)
				if !installed {
					state = fmt.Sprintf("would be fetched: %s, %s", what, launch.MB(bytes))
					fetch += bytes
				}
			}
		} else {
			state = "image by docker compose"
		}
		row(b.Name, "%s, %s, up to %s; %s", b.Version, ports(b.Ports[0].Number+o.offset), launch.MB(b.Memory), state)
		need += b.Memory
	}
	row("all together", "%s of memory, %s to fetch", launch.MB(need), launch.MB(fetch))
	if rec, err := control.Find(place.State); err == nil {
		row("running", "`kit %s`, pid %d, engine %s, ports +%d", rec.Mode, rec.Pid, rec.Engine, rec.Offset)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(lacking) > 0 {
		return &provision.Missing{Kind: provision.ErrNoPackage, What: "missing: " + strings.Join(lacking, ", "),
			Do: "type: sudo apt-get install -y openjdk-17-jdk-headless maven gcc libc6-dev"}
	}
	return nil
}

func ports(port int) string {
	if supervise.PortFree(port) {
		return fmt.Sprintf("port %d is free", port)
	}
	return fmt.Sprintf("port %d is taken by %s", port, supervise.PortHolder(port))
}

// diskFree looks at the nearest folder above that exists.
func diskFree(path string) string {
	for ; ; path = filepath.Dir(path) {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			break
		}
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(path, &st); err != nil {
		return "?"
	}
	return launch.MB(int64(st.Bavail) * int64(st.Bsize))
}
