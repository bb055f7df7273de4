// Package presence is who is there, and who is told. It is rules alone, on a clock
// that is handed in; what gateways and Redis have to do with it is in the adapters.
//
// A person is there while one of their devices sends heartbeats. What that could
// cost is bounded three times: only who has the chat open is told (Watch), at most
// MaxWatched people each; who is gone for less than Grace wasn't gone, so that a
// phone in a tunnel tells nobody anything; and at most Rate tellings leave a second,
// of each person the latest state, so that what waits doesn't grow when all of a
// crowd comes back at once.
//
// Nothing of it is stored but the time when somebody was last seen.
package presence

import (
	"time"

	"designkits/cases/messaging"
)

const (
	// BeatFor is how long a heartbeat is good; gateways send one each third of it.
	BeatFor = 30 * time.Second
	// Grace is how long somebody may be gone without being said to be.
	Grace = 15 * time.Second
	// MaxWatched is how many people one device may watch.
	MaxWatched = 200
)

// A Privacy is who may know whether somebody is there.
type Privacy string

// The settings. Contacts are those one shares a conversation with.
const (
	Everybody Privacy = "everybody"
	Contacts  Privacy = "contacts"
	Nobody    Privacy = "nobody"
)

// ParsePrivacy returns a setting, or a *messaging.Invalid.
func ParsePrivacy(text string) (Privacy, error) {
	switch p := Privacy(text); p {
	case Everybody, Contacts, Nobody:
		return p, nil
	}
	return "", &messaging.Invalid{Field: "privacy", Reason: "everybody, contacts or nobody"}
}

// Shows reports whether a person with this setting is shown to somebody. Who hasn't
// chosen is shown to contacts. One's own devices see each other.
func (p Privacy) Shows(own, contact bool) bool {
	switch p {
	case Everybody:
		return true
	case Nobody:
		return own
	}
	return own || contact
}

// A State is whether somebody is there, or when they last were; LastSeen is zero of
// somebody who never was.
type State struct {
	Online   bool
	LastSeen time.Time
}

// A Telling is what one device is told of one person.
type Telling struct {
	To   messaging.Address
	User messaging.UserID
	State
}
