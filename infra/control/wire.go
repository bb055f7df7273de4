package control

import (
	"errors"
	"fmt"

	"designkits/infra/launch"
	"designkits/infra/supervise"
)

// startRequest is the body of POST start.
type startRequest struct {
	launch.Request
	// Hold keeps the answer open; what was started is stopped when it is let go
	// of. Drop also removes what the case has stored.
	Hold bool `json:"hold,omitempty"`
	Drop bool `json:"drop,omitempty"`
}

// A line of the answer to POST start has one of these.
type line struct {
	Session string         `json:"session,omitempty"` // first
	Event   *launch.Event  `json:"event,omitempty"`
	Result  *launch.Result `json:"result,omitempty"` // all that was asked for is up
	Failure *Failure       `json:"failure,omitempty"`
	Ended   bool           `json:"ended,omitempty"` // last, of a held start
}

// releaseRequest is the body of POST release.
type releaseRequest struct {
	Session string `json:"session"`
	Now     bool   `json:"now,omitempty"` // kill what hasn't stopped yet
}

// stopRequest is the body of POST stop. Without names everything stops, and
// the supervisor with it.
type stopRequest struct {
	Names []string `json:"names,omitempty"`
}

// seededRequest is the body of POST seeded.
type seededRequest struct {
	Case string `json:"case"`
}

// resetRequest is the body of POST reset: a backend to stop and wipe, or a case
// whose namespace is to be dropped.
type resetRequest struct {
	Backend string `json:"backend,omitempty"`
	Case    string `json:"case,omitempty"`
}

type resetAnswer struct {
	Done string `json:"done"` // what was removed, for a person
}

// A Failure is an error that came over the socket.
type Failure struct {
	Reason string `json:"reason"`
	Exit   int    `json:"exit"` // the kit's exit code for it
}

func (f *Failure) Error() string { return f.Reason }

func failure(err error) *Failure {
	var told *supervise.StartError
	if errors.As(err, &told) && told.Log != "" { // its last lines have gone out as an event
		return &Failure{Reason: fmt.Sprintf("start %s: %v; see above, and %s", told.Name, told.Cause, told.Log), Exit: launch.ExitCode(err)}
	}
	return &Failure{Reason: err.Error(), Exit: launch.ExitCode(err)}
}
