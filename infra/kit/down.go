package main

import (
	"github.com/spf13/cobra"

	"designkits/infra/control"
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
			client, err := o.client()
			if err != nil {
				return err
			}
			if err := client.Stop(cmd.Context(), args...); err != nil {
				return err
			}
			newScreen().linef("stopped; the data is kept, `kit reset` removes it")
			return nil
		},
	}
}
