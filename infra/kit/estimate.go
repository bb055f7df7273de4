package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"designkits/shared/estimate"
	"designkits/shared/lab"
)

func estimateCommand(o *options) *cobra.Command {
	var set []string
	var of string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "estimate CASE",
		Short: "Calculate a case's capacity sheet, with other inputs where you like",
		Long: "Calculate a case's capacity sheet. --set replaces an input, in the unit in which the sheet shows it; --of says\n" +
			"which inputs move a row most:\n\n  kit estimate shortener --set 'clicks per link=200' --of cost",
		Args: arguments(cobra.ExactArgs(1), "CASE [--set 'NAME=VALUE'] [--of ROW] [--json]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			place, c, err := o.load(args[0])
			if err != nil {
				return err
			}
			call := []string{"estimate"}
			for _, s := range set {
				call = append(call, "--set", s)
			}
			if of != "" {
				call = append(call, "--of", of)
			}
			run, err := labCommand(cmd.Context(), place, c.Name, call...)
			if err != nil {
				return err
			}
			run.Stderr = os.Stderr
			out, err := run.Output()
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				return exitStatus(exit.ExitCode()) // it has said why
			}
			if err != nil {
				return fmt.Errorf("calculate the sheet of %s: %w", c.Name, err)
			}
			return showEstimate(cmd.OutOrStdout(), out, asJSON)
		},
	}
	cmd.Flags().StringArrayVar(&set, "set", nil, "replace an input, NAME=VALUE; may be repeated")
	cmd.Flags().StringVar(&of, "of", "", "tell which inputs move this row most")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// showEstimate prints the sheet as columns: what, how much, and where from.
func showEstimate(w io.Writer, line []byte, asJSON bool) error {
	if asJSON {
		_, err := w.Write(bytes.TrimRight(line, " "))
		return err
	}
	var e lab.Estimate
	if err := json.Unmarshal(line, &e); err != nil {
		return fmt.Errorf("read the sheet: %w", err)
	}
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s\n\n", e.Title)
	for _, r := range e.Rows {
		mark, from := " ", r.Source
		switch r.Kind {
		case estimate.Derived:
			mark, from = "=", r.Formula
		case estimate.Slip:
			mark, from = "✗", r.Formula+"; wrong: "+r.Source
		}
		fmt.Fprintf(columns, "%s %s\t%s\t%s\n", mark, r.Name, r.Text, from)
	}
	if err := columns.Flush(); err != nil {
		return err
	}
	if e.Of != "" {
		fmt.Fprintf(w, "\nwhat moves %q: by how many %% for 1 %% of the input, and from the least to the most that is plausible\n", e.Of)
		for _, f := range e.Effects {
			swing := "from nothing"
			if f.Swing != 0 {
				swing = fmt.Sprintf("×%.3g", f.Swing)
			}
			fmt.Fprintf(columns, "  %s\t%+.2f %%\t%s\n", f.Input, f.Elasticity, swing)
		}
	}
	return columns.Flush()
}
