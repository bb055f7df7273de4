package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"designkits/shared/fault"
)

func faultCommand(o *options, name, short string, do func(*fault.Client, context.Context, string) error) *cobra.Command {
	return &cobra.Command{
		Use:   name + " NAME",
		Short: short,
		Args:  arguments(cobra.ExactArgs(1), "NAME, for example redis, flink/taskmanager or shortener/api-1; `kit status` lists the names"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := o.client()
			if err != nil {
				return err
			}
			if err := do(client.Client, cmd.Context(), args[0]); err != nil {
				return err
			}
			list, err := client.Status(cmd.Context())
			if err != nil {
				return err
			}
			list = slices.DeleteFunc(list, func(s fault.Status) bool {
				return s.Name != args[0] && !strings.HasPrefix(s.Name, args[0]+"/")
			})
			return table(cmd.OutOrStdout(), list)
		},
	}
}
