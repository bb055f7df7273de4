// Package presence is who is there, and who is told. It is rules alone, on a clock
// that is handed in; package session has gateways follow them.
//
// A person is there while one of their devices sends heartbeats, which are its
// gateway's for as long as it is connected. What that could cost is bounded three
// times: only who has the chat open is told (Watch), at most MaxWatched people each;
// who is gone for less than Grace wasn't gone, so that a phone in a tunnel tells
// nobody anything; and at most Rate tellings leave a gateway in a second, of each
// person the latest state, so that what waits doesn't grow when all of a crowd comes
// back at once.
//
// There is no process of it: who is told is connected to a gateway, and who is there
// is known where they are connected. Between the two stands a Store, where gateways
// write heartbeats and look up the people that are watched at them. A process between
// would read the same, and be one more that can die.
//
// Nothing of it is kept but the time when somebody was last seen, and whom they show
// it to.
package presence

import (
	"context"
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

// A Sighting is what is known of one device: when it was last there, and until when
// it is taken to be there if nobody hears more of it.
type Sighting struct{ Seen, Until time.Time }

// Beat is that of a device that is connected now.
func Beat(now time.Time) Sighting { return Sighting{now, now.Add(BeatFor)} }

// Left is that of one which closes its connection now.
func Left(now time.Time) Sighting { return Sighting{now, now.Add(Grace)} }

// A Store is where gateways meet. What it holds may be lost: who is there is written
// again with the next heartbeat. All methods may be repeated after an error.
type Store interface {
	// Sight notes the same of devices, in the place of what was known of each.
	Sight(ctx context.Context, devices []messaging.Address, s Sighting) error
	// Look returns what is known of people's devices. Who was never seen, or not for
	// longer than messaging.InboxFor, is left out.
	Look(ctx context.Context, users []messaging.UserID) (map[messaging.UserID]map[messaging.DeviceID]Sighting, error)
}

// Settings keeps whom people are shown to.
type Settings interface {
	// Show stores a person's setting. The last one wins.
	Show(ctx context.Context, u messaging.UserID, to Privacy) error
	// Shown returns people's settings; who hasn't chosen is left out.
	Shown(ctx context.Context, users []messaging.UserID) (map[messaging.UserID]Privacy, error)
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
