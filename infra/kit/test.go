package main

import "github.com/spf13/cobra"

func testCommand(o *options) *cobra.Command { return &cobra.Command{Use: "test"} }
