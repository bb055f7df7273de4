package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"designkits/infra/backend/catalog"
	"designkits/infra/control"
	"designkits/infra/engine"
	"designkits/infra/launch"
	"designkits/infra/topology"
)

func upCommand(o *options) *cobra.Command {
	var chosen func() map[string]string
	cmd := &cobra.Command{
		Use:   "up [CASE or BACKEND...]",
		Short: "Start backends, or a whole case, in the background",
		Long:  "Start backends, or a whole case, in the background; all backends without a name. `kit down` stops them.",
		RunE: func(cmd *cobra.Command, args []string) error {
			place, err := o.place()
			if err != nil {
				return err
			}
			requests, err := requestsFor(place.Root, args)
			if err != nil {
				return err
			}
			for i, r := range requests {
				if r.Case == "" {
					continue
				}
				c, err := topology.Load(place.Root, r.Case)
				if err != nil {
					return err
				}
				requests[i].Choices = chosen()
				if _, err := c.With(requests[i].Choices); err != nil {
					return err
				}
			}
			client, fresh, err := detached(cmd.Context(), o, place)
			if err != nil {
				return err
			}
			err = bringUp(cmd.Context(), o, place, client, requests)
			if err != nil && fresh {
				// A supervisor of nothing would only be in the way.
				err = errors.Join(err, client.Stop(cmd.Context()))
			}
			return err
		},
	}
	chosen = choiceFlags(cmd)
	return cmd
}

// requestsFor sorts names into backends and cases.
func requestsFor(root string, names []string) ([]launch.Request, error) {
	var all []string
	for _, b := range catalog.All {
		all = append(all, b.Name)
	}
	if len(names) == 0 {
		return []launch.Request{{Backends: all}}, nil
	}
	for _, b := range catalog.OnDemand { // not without its name
		all = append(all, b.Name)
	}
	cases := topology.List(root)
	var backends launch.Request
	var requests []launch.Request
	for _, name := range names {
		switch {
		case slices.Contains(all, name):
			backends.Backends = append(backends.Backends, name)
		case slices.Contains(cases, name):
			requests = append(requests, launch.Request{Case: name, All: true})
		default:
			return nil, usagef("%q is neither a backend (%s) nor a case (%s)", name, strings.Join(all, ", "), strings.Join(cases, ", "))
		}
	}
	if len(backends.Backends) > 0 {
		requests = append([]launch.Request{backends}, requests...)
	}
	return requests, nil
}

func bringUp(ctx context.Context, o *options, place engine.Place, client control.Client, requests []launch.Request) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	screen := newScreen(o)
	for _, r := range requests {
		start, err := client.Start(ctx, r, false, false)
		if err != nil {
			return err
		}
		result, err := start.AwaitUp(screen.show)
		_ = start.Close()
		if ctx.Err() != nil {
			return errInterrupted
		}
		if err != nil {
			return err
		}
		if r.Case == "" {
			continue
		}
		seed(ctx, place, client, r.Case, result, screen)
		screen.linef("%s: %s", r.Case, result.Page)
	}
	return nil
}

// detached returns a client of the running supervisor, or of a fresh one that
// it starts in a session of its own.
func detached(ctx context.Context, o *options, place engine.Place) (client control.Client, fresh bool, err error) {
	rec, err := control.Find(place.State)
	if err == nil {
		return control.Dial(rec.Socket), false, nil
	}
	if !errors.Is(err, control.ErrNone) {
		return control.Client{}, false, err
	}
	self, err := os.Executable()
	if err != nil {
		return control.Client{}, false, fmt.Errorf("start in the background: %w", err)
	}
	logPath := filepath.Join(place.State, "logs", "kit.log")
	if err := os.MkdirAll(filepath.Dir(logPath), 0o755); err != nil {
		return control.Client{}, false, fmt.Errorf("start in the background: %w", err)
	}
	log, err := os.Create(logPath)
	if err != nil {
		return control.Client{}, false, fmt.Errorf("start in the background: %w", err)
	}
	defer log.Close()
	child := exec.Command(self, "supervise", "--state", place.State, "--engine", o.engine, "--port-offset", strconv.Itoa(o.offset))
	child.Dir = place.Root
	child.Stdout, child.Stderr = log, log
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := child.Start(); err != nil {
		return control.Client{}, false, fmt.Errorf("start in the background: %w", err)
	}
	died := make(chan error, 1)
	go func() { died <- child.Wait() }() // ends with this command at the latest
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-died:
			said, _ := os.ReadFile(logPath)
			fmt.Fprint(os.Stderr, string(said))
			return control.Client{}, false, exitStatus(child.ProcessState.ExitCode())
		case <-ctx.Done():
			return control.Client{}, false, ctx.Err()
		case <-tick.C:
		}
		if rec, err := control.Find(place.State); err == nil && rec.Pid == child.Process.Pid {
			return control.Dial(rec.Socket), true, nil
		}
	}
}

// superviseCommand is what `kit up` starts: the supervisor without a terminal.
func superviseCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:    "supervise",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			place, err := o.place()
			if err != nil {
				return err
			}
			signals := make(chan os.Signal, 2)
			signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			defer signal.Stop(signals)
			h, err := openHost(cmd.Context(), o, place, "up")
			if err != nil {
				return err
			}
			events, stop := h.launcher.Listen()
			defer stop()
			screen := newScreen(o)
			for {
				select {
				case e := <-events:
					screen.show(e)
					continue
				case <-h.server.Done():
				case <-signals: // and once more for at once
				}
				ctx, cancel := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
				defer cancel()
				return h.close(ctx)
			}
		},
	}
}
