package launch

import (
	"errors"
	"syscall"

	"designkits/infra/engine"
	"designkits/infra/provision"
	"designkits/infra/supervise"
	"designkits/infra/topology"
)

// The kit's exit codes.
const (
	ExitHeld        = 0
	ExitFailed      = 1 // it did not hold, or broke
	ExitUsage       = 2
	ExitEnvironment = 3 // the machine lacks something
)

// ExitCode tells what kind of failure an error is.
func ExitCode(err error) int {
	var (
		missing *provision.Missing
		port    *supervise.PortTaken
		busy    *supervise.Busy
		runs    *CaseRuns
		name    *supervise.UnknownName
		server  *UnknownBackend
		acase   *topology.UnknownCase
		choice  *topology.UnknownChoice
		eng     *engine.UnknownEngine
	)
	switch {
	case err == nil:
		return ExitHeld
	case errors.As(err, &missing), errors.As(err, &port), errors.As(err, &busy), errors.As(err, &runs),
		errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return ExitEnvironment
	case errors.As(err, &name), errors.As(err, &server), errors.As(err, &acase), errors.As(err, &choice), errors.As(err, &eng):
		return ExitUsage
	}
	return ExitFailed
}
