// Command kit runs the design kits: it fetches and starts the real servers a
// case needs, runs the case, its tests, and faults.
//
//	go run ./infra/kit run shortener
//	go run ./infra/kit test
//
// Exit codes: 0 it held, 1 it did not, 2 wrong use, 3 this machine lacks
// something. (`go run` itself turns every code but 0 into 1 and prints the real
// one as "exit status N".)
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"designkits/infra/control"
	"designkits/infra/launch"
	"designkits/shared/fault"
)

func main() {
	os.Exit(execute(context.Background(), os.Args[1:]))
}

// options are the flags that all commands share.
type options struct {
	engine string
	offset int
	state  string
}

// mostOffset keeps the highest port of all below 65536.
const mostOffset = 50_000

func execute(ctx context.Context, args []string) int {
	var o options
	root := &cobra.Command{
		Use:           "kit",
		Short:         "Run the design kits on real servers",
		SilenceErrors: true,
		SilenceUsage:  true,
		// A word that is no command is wrong use, not a request for help.
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
					return usagef("there is no command %q; do you mean %s?", args[0], strings.Join(near, " or "))
				}
				return usagef("there is no command %q; `kit --help` lists them", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SuggestionsMinimumDistance = 2 // letters that may be wrong
	flags := root.PersistentFlags()
	flags.StringVar(&o.engine, "engine", "", "docker or native (default: docker where an engine answers, else native)")
	flags.IntVar(&o.offset, "port-offset", 0, "added to every port, so that a second checkout can run beside the first")
	flags.StringVar(&o.state, "state", "", "state folder (default: .kit at the top of the checkout)")
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if o.offset < 0 || o.offset > mostOffset {
			return usagef("--port-offset %d: it is a number from 0 to %d", o.offset, mostOffset)
		}
		return nil
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage{err} })
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		doctorCommand(&o), runCommand(&o), testCommand(&o), estimateCommand(&o), studyCommand(&o),
		benchCommand(&o), curveballCommand(&o), exerciseCommand(&o),
		upCommand(&o), downCommand(&o), statusCommand(&o), logsCommand(&o), resetCommand(&o),
		faultCommand(&o, "kill", "End a backend or process with SIGKILL", (*fault.Client).Kill),
		faultCommand(&o, "pause", "Freeze a backend or process: connections stay open, nothing answers", (*fault.Client).Pause),
		faultCommand(&o, "resume", "Let a paused backend or process go on", (*fault.Client).Resume),
		faultCommand(&o, "restart", "Stop and start a backend or process; also brings back what has died", (*fault.Client).Restart),
		superviseCommand(&o),
	)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && !errors.Is(err, errSaid) {
		fmt.Fprintln(os.Stderr, "kit:", err)
	}
	return exitCode(err)
}

// errSaid is a failure that has been told already.
var errSaid = errors.New("it did not hold")

// usage is wrong use of the command.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

func usagef(format string, args ...any) error { return usage{fmt.Errorf(format, args...)} }

// arguments makes a wrong number of arguments a usage error.
func arguments(check cobra.PositionalArgs, form string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check(cmd, args) != nil {
			return usagef("type: %s %s", cmd.CommandPath(), form)
		}
		return nil
	}
}

func exitCode(err error) int {
	var (
		wrong   usage
		came    *control.Failure
		refusal *fault.Refusal
		exit    exitStatus
	)
	switch {
	case errors.As(err, &exit):
		return int(exit)
	case errors.As(err, &wrong), errors.Is(err, control.ErrNone):
		return launch.ExitUsage
	case errors.As(err, &came):
		return came.Exit
	case errors.As(err, &refusal) && refusal.Code == 404:
		return launch.ExitUsage
	}
	return launch.ExitCode(err)
}

// exitStatus is the exit status of a program that the kit has run and that has
// said itself what there is to say.
type exitStatus int

func (e exitStatus) Error() string        { return fmt.Sprintf("exit status %d", int(e)) }
func (e exitStatus) Is(target error) bool { return target == errSaid }
