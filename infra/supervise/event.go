package supervise

import (
	"fmt"
	"strings"
	"time"
)

// A State is where a process stands.
type State string

// The states.
const (
	Waiting  State = "waiting" // for what it needs
	Starting State = "starting"
	Ready    State = "ready"
	Paused   State = "paused"
	Stopping State = "stopping"
	Stopped  State = "stopped" // by us
	Dead     State = "dead"    // by itself, by a kill, or because it didn't start
)

// An Event is a change that an observer is told of.
type Event struct {
	Name  string
	State State
	Spec  Spec
	Pid   int
	// After is how long the start took (Ready) or the process lived (Dead).
	After time.Duration
	RSS   int64 // bytes; 0 when it isn't known
	// Reason says why it is Dead.
	Reason string
	// Lasting says that a Dead one counts as running still: it isn't one whose
	// start is given up with all that was to start with it. Restart is for it.
	Lasting bool
	// Log and Lines are its log and the end of it, when it died unasked.
	Log   string
	Lines []string
}

// A StartError is a process that didn't start.
type StartError struct {
	Name  string
	Cause error
	Log   string
	Lines []string // the end of its log, if it got as far
}

func (e *StartError) Error() string {
	msg := fmt.Sprintf("start %s: %v", e.Name, e.Cause)
	if len(e.Lines) > 0 {
		msg += fmt.Sprintf("; the end of %s:\n  %s", e.Log, strings.Join(e.Lines, "\n  "))
	}
	return msg
}

func (e *StartError) Unwrap() error { return e.Cause }

// An UnknownName is a name that no process or group has.
type UnknownName struct {
	Name  string
	Known []string
}

func (e *UnknownName) Error() string {
	if len(e.Known) == 0 {
		return fmt.Sprintf("%q isn't running here, nothing is", e.Name)
	}
	return fmt.Sprintf("%q isn't running here; these are: %s", e.Name, strings.Join(e.Known, ", "))
}

// A NotRunning is a process that a signal can't reach because it has ended.
type NotRunning struct {
	Name  string
	State State
}

func (e *NotRunning) Error() string {
	return fmt.Sprintf("%s is %s; `kit restart %s` starts it", e.Name, e.State, e.Name)
}

// A Status is what is known of one process at the moment.
type Status struct {
	Name    string
	Kind    string
	State   State
	Address string
	Pid     int
	RSS     int64
	Uptime  time.Duration
	Log     string
}
