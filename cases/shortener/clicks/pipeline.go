package clicks

import "time"

// A JobState is how the stream job is doing.
type JobState string

// The states of the stream job. Only JobRefused needs a person.
const (
	JobRunning  JobState = "running"
	JobStarting JobState = "starting" // submitted, or recovering from a failure by itself
	JobAway     JobState = "away"     // Flink doesn't answer; clicks wait in the log
	JobRefused  JobState = "refused"  // it can't be started as things are; Reason says what to do
)

// A Pipeline is how counting is doing, for the page and for whoever is on call.
type Pipeline struct {
	Job    JobState `json:"job"`
	Reason string   `json:"reason,omitempty"`
	// Since is when Job last changed.
	Since time.Time `json:"since"`
	// Restarts is how often the job was submitted anew since this process began.
	Restarts int64 `json:"restarts"`
	// Committed is when the last checkpoint completed: until then every
	// increment is on its way to the counts.
	Committed time.Time `json:"committed,omitzero"`
	// CommitTook is how long that checkpoint took, in milliseconds.
	CommitTook int64 `json:"commitTookMs"`
	// Unread is how many records of the click log are not counted yet, ticks
	// among them; Unapplied how many increments wait to be added up.
	Unread    int64 `json:"unread"`
	Unapplied int64 `json:"unapplied"`
	// Ticks is how many ticks each partition of the click log has got.
	Ticks int64 `json:"ticks"`
	// Applied and Late are increments added up by this process, and the clicks
	// among them that came late.
	Applied int64 `json:"applied"`
	Late    int64 `json:"late"`
	// Store says why increments can't be added up at the moment, or "".
	Store string `json:"store,omitempty"`
}
