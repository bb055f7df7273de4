package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"designkits/infra/backend/catalog"
	"designkits/infra/engine"
	"designkits/infra/launch"
	"designkits/infra/topology"
	"designkits/shared/fault"
)

func resetCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "reset [CASE or BACKEND...]",
		Short: "Stop them and remove their data; everything without a name. Says what it removes",
		Long: "Stop them and remove their data. A backend loses all it has stored, a case what it has stored in its backends\n" +
			"(which are started for that). Without a name every backend is wiped, and secrets too. Downloads are kept.",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			ctx := cmd.Context()
			place, err := o.place()
			if err != nil {
				return err
			}
			requests, err := requestsFor(place.Root, args)
			if err != nil {
				return err
			}
			s, err := attach(ctx, o, "reset")
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.close(ctx)) }()
			if len(args) == 0 {
				return s.resetAll(ctx, place)
			}
			for _, r := range requests {
				if r.Case != "" {
					err = s.resetCase(ctx, place, r.Case)
				} else {
					err = s.resetBackends(ctx, r.Backends)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (s *session) resetBackends(ctx context.Context, names []string) error {
	for _, name := range names {
		if err := s.stopIfKnown(ctx, name); err != nil {
			return err
		}
		done, err := s.client.WipeBackend(ctx, name)
		if err != nil {
			return err
		}
		s.screen.linef("%s", done)
	}
	return nil
}

// resetCase drops what the case has stored. Its backends must run for that, so
// they are started without its processes.
func (s *session) resetCase(ctx context.Context, place engine.Place, name string) error {
	if err := s.stopIfKnown(ctx, name); err != nil {
		return err
	}
	c, err := topology.Load(place.Root, name)
	if err != nil {
		return err
	}
	return s.hold(ctx, launch.Request{Backends: c.AllBackends()}, false, func(ctx context.Context, _ launch.Result) error {
		done, err := s.client.DropCase(ctx, name)
		if err != nil {
			return err
		}
		s.screen.linef("%s", done)
		return nil
	})
}

// resetAll wipes every backend, the processes' folders and the secrets.
func (s *session) resetAll(ctx context.Context, place engine.Place) error {
	list, err := s.client.Status(ctx)
	if err != nil {
		return err
	}
	for _, st := range list {
		if st.Kind == "process" {
			if err := s.stopIfKnown(ctx, st.Name); err != nil {
				return err
			}
		}
	}
	var all []string
	for _, b := range catalog.All {
		all = append(all, b.Name)
	}
	if err := s.resetBackends(ctx, all); err != nil {
		return err
	}
	for _, folder := range []string{"data", "process", "secrets"} {
		path := filepath.Join(place.State, folder)
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("reset: %w", err)
		}
		s.screen.linef("%s removed", path)
	}
	return nil
}

// stopIfKnown stops a name that the supervisor has ever run.
func (s *session) stopIfKnown(ctx context.Context, name string) error {
	list, err := s.client.Status(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(list, func(st fault.Status) bool {
		return st.Name == name || strings.HasPrefix(st.Name, name+"/")
	}) {
		return nil
	}
	return s.client.Stop(ctx, name)
}
