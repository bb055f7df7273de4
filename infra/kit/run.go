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
	var chosen func() map[string]string
	cmd := &cobra.Command{
		Use:   "run CASE",
		Short: "Start a case with everything it needs, until Ctrl-C; --demo walks its journey",
		Args:  arguments(cobra.ExactArgs(1), "CASE [--demo]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			place, c, err := o.load(args[0])
			if err != nil {
				return err
			}
			if c, err = c.With(chosen()); err != nil {
				return err
			}
			request := launch.Request{Case: c.Name, Choices: chosen()}
			s, err := attach(cmd.Context(), o, "run")
			if err != nil {
				return err
			}
			if demo {
				err = s.demo(cmd.Context(), place, c, request)
			} else {
				err = s.run(cmd.Context(), place, c, request)
			}
			return errors.Join(err, s.close(cmd.Context()))
		},
	}
	cmd.Flags().BoolVar(&demo, "demo", false, "walk the scripted journey on real input and exit with its verdict")
	chosen = choiceFlags(cmd)
	return cmd
}

// choiceFlags gives a command a flag for each choice that a case of this
// checkout offers (--store dynamodb), and returns what was chosen.
func choiceFlags(cmd *cobra.Command) (chosen func() map[string]string) {
	values := map[string]*string{}
	root, err := findRoot()
	if err == nil {
		for _, name := range topology.List(root) {
			c, _ := topology.Load(root, name) // what is wrong with it is said when it is used
			for _, v := range c.Variants {
				if flag := cmd.Flags().Lookup(v.Choice); flag != nil {
					flag.Usage += fmt.Sprintf(", %s of %s", v.Name, name)
					continue
				}
				values[v.Choice] = cmd.Flags().String(v.Choice, "", fmt.Sprintf("a variant in place of the usual: %s of %s", v.Name, name))
			}
		}
	}
	return func() map[string]string {
		choices := map[string]string{}
		for choice, value := range values {
			if *value != "" {
				choices[choice] = *value
			}
		}
		return choices
	}
}

// run keeps the case up until Ctrl-C.
func (s *session) run(ctx context.Context, place engine.Place, c topology.Case, r launch.Request) error {
	return s.hold(ctx, r, false, func(ctx context.Context, r launch.Result) error {
		s.screen.linef("\n  %s: %s\n  Ctrl-C stops it; the data is kept\n", c.Title, r.Page)
		seed(ctx, place, s.client, c.Name, r, s.screen)
		<-ctx.Done()
		return nil
	})
}

// demo walks the case's journey in a namespace of its own.
func (s *session) demo(ctx context.Context, place engine.Place, c topology.Case, r launch.Request) error {
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		return fmt.Errorf("name the demo: %w", err)
	}
	r.Namespace, r.All = fmt.Sprintf("demo%x", random), true
	return s.hold(ctx, r, true, func(ctx context.Context, r launch.Result) error {
		s.screen.linef("\n  %s: %s\n", c.Title, r.Page)
		err := runLab(ctx, place, c.Name, "demo", append(r.Env, lab.PageVariable+"="+r.Page), s.screen)
		if err == nil {
			s.screen.linef("%s demo: it held", c.Name)
		}
		return err
	})
}
