package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"designkits/infra/engine"
	"designkits/infra/launch"
	"designkits/infra/topology"
	"designkits/shared/lab"
)

func runCommand(o *options) *cobra.Command {
	var demo bool
	cmd := &cobra.Command{
		Use:   "run CASE",
		Short: "Start a case with everything it needs, until Ctrl-C; --demo walks its journey",
		Args:  arguments(cobra.ExactArgs(1), "CASE [--demo]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			place, err := o.place()
			if err != nil {
				return err
			}
			c, err := topology.Load(place.Root, args[0])
			if err != nil {
				return err
			}
			s, err := attach(cmd.Context(), o, "run")
			if err != nil {
				return err
			}
			if demo {
				err = s.demo(cmd.Context(), place, c)
			} else {
				err = s.run(cmd.Context(), place, c)
			}
			return errors.Join(err, s.close(cmd.Context()))
		},
	}
	cmd.Flags().BoolVar(&demo, "demo", false, "walk the scripted journey on real input and exit with its verdict")
	return cmd
}

// run keeps the case up until Ctrl-C.
func (s *session) run(ctx context.Context, place engine.Place, c topology.Case) error {
	return s.hold(ctx, launch.Request{Case: c.Name}, false, func(ctx context.Context, r launch.Result) error {
		s.screen.linef("\n  %s: %s\n  Ctrl-C stops it; the data is kept\n", c.Title, r.Page)
		seed(ctx, place, s.client, c.Name, r, s.screen)
		<-ctx.Done()
		return nil
	})
}

// demo walks the case's journey in a namespace of its own.
func (s *session) demo(ctx context.Context, place engine.Place, c topology.Case) error {
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		return fmt.Errorf("name the demo: %w", err)
	}
	r := launch.Request{Case: c.Name, Namespace: fmt.Sprintf("demo%x", random), All: true}
	return s.hold(ctx, r, true, func(ctx context.Context, r launch.Result) error {
		s.screen.linef("\n  %s: %s\n", c.Title, r.Page)
		err := runLab(ctx, place, c.Name, "demo", append(r.Env, lab.PageVariable+"="+r.Page), s.screen)
		if err == nil {
			s.screen.linef("%s demo: it held", c.Name)
		}
		return err
	})
}
