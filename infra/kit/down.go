package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"designkits/infra/control"
	"designkits/infra/supervise"
)

// client reaches the supervisor that runs in this checkout.
func (o *options) client() (control.Client, error) {
	place, err := o.place()
	if err != nil {
		return control.Client{}, err
	}
	rec, err := control.Find(place.State)
	if err != nil {
		return control.Client{}, err
	}
	return control.Dial(rec.Socket), nil
}

func downCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "down [CASE or BACKEND...]",
		Short: "Stop backends or a case, everything without a name; data is kept",
		RunE: func(cmd *cobra.Command, args []string) error {
			place, err := o.place()
			if err != nil {
				return err
			}
			rec, err := control.Find(place.State)
			if err != nil {
				return err
			}
			if err := control.Dial(rec.Socket).Stop(cmd.Context(), args...); err != nil {
				return err
			}
			if len(args) == 0 {
				if err := awaitEnd(cmd.Context(), rec); err != nil {
					return err
				}
			}
			newScreen(o).linef("stopped; the data is kept, `kit reset` removes it")
			return nil
		},
	}
}

// awaitEnd waits until a supervisor that was told to end has ended, so that the
// checkout is free for the next command.
func awaitEnd(ctx context.Context, rec control.Record) error {
	ctx, cancel := context.WithTimeout(ctx, 2*closingWithin)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for supervise.Alive(rec.Pid, rec.Start) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("everything has stopped, but `kit %s` (pid %d) goes on; end it with: kill %d", rec.Mode, rec.Pid, rec.Pid)
		}
	}
	return nil
}
