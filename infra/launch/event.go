package launch

import "designkits/infra/provision"

// An Event is something worth a line on the screen. It travels over the
// control socket as it is.
type Event struct {
	Kind    string              `json:"kind"`
	Name    string              `json:"name,omitempty"`
	Address string              `json:"address,omitempty"`
	Seconds float64             `json:"seconds,omitempty"`
	RSS     int64               `json:"rss,omitempty"` // bytes
	Reason  string              `json:"reason,omitempty"`
	Log     string              `json:"log,omitempty"`
	Lines   []string            `json:"lines,omitempty"`
	Lasting bool                `json:"lasting,omitempty"` // `kit restart` is for it
	Fetch   *provision.Progress `json:"fetch,omitempty"`
}

// The kinds of events.
const (
	Fetching = "fetching" // Fetch: a download or a build
	Up       = "up"       // Name is ready: Address, Seconds, RSS
	Down     = "down"     // Name has died or didn't start: Reason, Log, Lines
	Paused   = "paused"
	Resumed  = "resumed"
	Stopped  = "stopped"
	Note     = "note" // Reason is a sentence
)
