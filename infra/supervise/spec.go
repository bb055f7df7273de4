// Package supervise runs and watches processes: it starts them in their order,
// waits until they answer in their own protocol, reports the death of any at
// once with its last log lines, ends them gracefully, and reaps what an
// earlier supervisor that was killed has left behind.
//
// It knows nothing of backends, cases or terminals.
package supervise

import (
	"context"
	"syscall"
	"time"
)

// A Spec describes one operating-system process to be run.
type Spec struct {
	// Name is unique in a supervisor. A slash groups: "flink/taskmanager"
	// answers to "flink" too.
	Name string
	// Command is the program and its arguments.
	Command []string
	// Env is added to the supervisor's own environment ("KEY=value").
	Env []string
	// Dir is the working directory; empty means the supervisor's.
	Dir string
	// Needs names the processes or groups that must be ready before this one
	// starts. What doesn't depend on each other starts in parallel.
	Needs []string
	// Prepare runs before each start, for example to format a data folder once.
	Prepare func(ctx context.Context) error
	// Ready makes one round trip in the process's own protocol and returns nil
	// once it serves. It is called until it succeeds, the process dies, or
	// ReadyWithin (default 4 min) has passed.
	Ready       func(ctx context.Context) error
	ReadyWithin time.Duration
	// Ports are the loopback ports that must be free before the start.
	Ports []int
	// Address is what a person is shown: "127.0.0.1:6379".
	Address string
	// Kind is "backend" or "process".
	Kind string
	// Background marks a process that nobody waits for at start: its readiness
	// is reported when it comes (Flink joins a page that works already).
	Background bool
	// StopSignal asks the process to end; 0 means SIGTERM, which PostgreSQL takes
	// for a request to wait until its last client has gone.
	StopSignal syscall.Signal
	// Signal delivers a signal. Nil means to the child's process group; an
	// engine whose servers are no children of ours (containers) sets it and
	// maps SIGSTOP to pause, SIGCONT to unpause, SIGTERM to a graceful stop and
	// SIGKILL to a kill.
	Signal func(ctx context.Context, sig syscall.Signal) error
}
