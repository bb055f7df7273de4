package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"designkits/infra/backend"
	"designkits/infra/backend/catalog"
	"designkits/infra/control"
	"designkits/infra/engine"
	"designkits/infra/study"
	"designkits/infra/topology"
	"designkits/shared/fault"
)

func studyCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "study [CASE]",
		Short: "Serve the study page: the design doc beside the live case, with all there is to try",
		Long: "Serve the study page until Ctrl-C: the design doc beside the live case, its capacity sheet, benches, curveballs\n" +
			"and exercises. The case need not run: the page can start it. What it starts goes on until `kit down`.",
		Args: arguments(cobra.MaximumNArgs(1), "[CASE]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			place, err := o.place()
			if err != nil {
				return err
			}
			for _, name := range args {
				if _, err := topology.Load(place.Root, name); err != nil {
					return err
				}
			}
			program, err := os.Executable()
			if err != nil {
				return fmt.Errorf("study: find the kit's own program: %w", err)
			}
			return serveStudy(cmd.Context(), o, place, program, strings.Join(args, ""))
		},
	}
}

func serveStudy(ctx context.Context, o *options, place engine.Place, program, caseName string) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if rec, err := control.Find(place.State); err == nil && o.offset == 0 {
		o.offset = rec.Offset // of what runs: its pages let only the study page of their own ports show them
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(study.Port+o.offset))
	listener, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("study: %w; open http://%s/ if that is this page already, or give another --port-offset", err, address)
	}
	if err != nil {
		return fmt.Errorf("study: %w", err)
	}
	page, err := study.New(place.Root, address, studyKit{o, place, program})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: page, ReadHeaderTimeout: 5 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	newScreen(o).linef("\n  study page: http://%s/%s\n  Ctrl-C ends it\n", address, caseName)
	select {
	case err = <-served:
	case <-ctx.Done():
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingWithin)
		defer cancel()
		err = errors.Join(server.Shutdown(bounded), page.Close())
		<-served
	}
	return err
}

// studyKit is what the study page asks for.
type studyKit struct {
	o       *options
	place   engine.Place
	program string
}

// Command calls the kit with this one's own flags.
func (k studyKit) Command(ctx context.Context, args ...string) *exec.Cmd {
	if k.o.state != "" {
		args = append(args, "--state", k.place.State)
	}
	if k.o.engine != "" {
		args = append(args, "--engine", k.o.engine)
	}
	if k.o.offset != 0 {
		args = append(args, "--port-offset", strconv.Itoa(k.o.offset))
	}
	cmd := exec.CommandContext(ctx, k.program, args...)
	cmd.Dir = k.place.Root
	// The terminal's Ctrl-C reaches us, and we end it in our order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	return cmd
}

func (k studyKit) Lab(ctx context.Context, caseName string) (string, error) {
	cmd, err := labCommand(ctx, k.place, caseName)
	if err != nil {
		return "", err
	}
	return cmd.Path, nil
}

// Live asks the supervisor, if one runs.
func (k studyKit) Live(ctx context.Context, c topology.Case) (study.Live, error) {
	offset := k.o.offset
	var list []fault.Status
	rec, err := control.Find(k.place.State)
	if err == nil {
		offset = rec.Offset
		list, err = control.Dial(rec.Socket).Status(ctx)
	}
	if err != nil && !errors.Is(err, control.ErrNone) {
		return study.Live{}, err
	}
	live := study.Live{State: "down", Parts: []study.Part{}}
	up, processes := 0, 0
	for _, s := range list {
		name, ours := strings.CutPrefix(s.Name, c.Name+"/")
		backendName, _, _ := strings.Cut(s.Name, "/")
		if ours || slices.Contains(c.Backends, backendName) {
			live.Parts = append(live.Parts, study.Part{Name: name, State: s.State})
		}
		if ours && s.State != "stopped" {
			processes++
			if s.State != "waiting" && s.State != "starting" {
				up++ // also a dead one: that is part of the study
			}
		}
	}
	if processes > 0 {
		live.State = "starting"
		if up == processes {
			live.State = "up"
		}
	}
	live.Page, err = pageOf(c, offset)
	return live, err
}

// pageOf is the address of a case's page at a port offset.
func pageOf(c topology.Case, offset int) (string, error) {
	w := topology.World{Offset: offset, Namespace: c.Name, Sites: map[string]backend.Site{}, First: map[string]string{}}
	for _, name := range c.Backends {
		b, ok := catalog.ByName(name)
		if !ok {
			continue
		}
		site := backend.Site{Ports: map[string]int{}}
		for _, p := range b.Ports {
			site.Ports[p.Name] = p.Number + offset
		}
		w.Sites[name], w.First[name] = site, b.Ports[0].Name
	}
	return c.PageAddress(w)
}
