package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"designkits/infra/control"
	"designkits/shared/fault"
)

func statusCommand(o *options) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "What runs in this checkout: name, state, address, pid, memory",
		Args:  arguments(cobra.NoArgs, "[--json]"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := []fault.Status{}
			client, err := o.client()
			if err == nil {
				list, err = client.Status(cmd.Context())
			}
			if err != nil && !errors.Is(err, control.ErrNone) {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(list)
			}
			if len(list) == 0 {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "nothing is running in this checkout; `kit run CASE` or `kit up` starts something")
				return err
			}
			return table(cmd.OutOrStdout(), list)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON: name, kind, state, address, pid, rss in bytes, uptime in seconds")
	return cmd
}

func table(out io.Writer, list []fault.Status) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tKIND\tSTATE\tADDRESS\tPID\tMEMORY\tUP")
	for _, s := range list {
		pid, up := "-", "-"
		if s.Pid > 0 {
			pid = fmt.Sprint(s.Pid)
			up = time.Duration(s.Uptime * float64(time.Second)).Round(time.Second).String()
		}
		mem := memory(s.RSS)
		if mem == "" {
			mem = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Name, s.Kind, s.State, s.Address, pid, mem, up)
	}
	return w.Flush()
}
