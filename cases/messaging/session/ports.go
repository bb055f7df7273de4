package session

import (
	"context"
	"encoding/json"
	"time"

	"designkits/cases/messaging"
)

// A Conn is the connection to one device. Its methods may be called by any
// goroutine, and none of them blocks.
type Conn interface {
	// Send sends a frame, in the order of the calls. The bytes are kept and must
	// not change. False says that it will not be sent: the device reads too slowly
	// and was told so by a Lagging frame, or has gone.
	Send(frame []byte) bool
	// Resumed says that the device has asked for what it missed: frames are sent
	// again.
	Resumed()
	// Close ends the connection, after what was sent before.
	Close(code int, reason string)
}

// CodePolicy closes the connection of a device that sends too much, and goes on.
const CodePolicy = 1008

// Chat takes messages.
type Chat interface {
	// Send has the draft committed and returns it with its place. Sent again it is
	// the same message. Its errors are those of order.Owner's Accept; when the
	// context has ended it may have been committed.
	Send(ctx context.Context, d messaging.Draft) (messaging.Message, error)
}

// Members tells of one person in one conversation, which of a large one is far
// less than its roster.
type Members interface {
	// Membership returns it, or ErrNotMember of somebody who never was one.
	Membership(ctx context.Context, c messaging.ConversationID, u messaging.UserID) (messaging.Membership, error)
}

// A Route is where a device is connected: at a gateway, by the connection of that
// number.
type Route struct {
	Device  messaging.Address
	Gateway string
	Number  uint64
	// Unknown says to Refresh that the route could not be put: what stands there is older.
	Unknown bool `json:"-"`
}

// RouteFor is how long a route holds that nobody refreshes.
const RouteFor = 30 * time.Second

// A Standing is what has become of a route.
type Standing int

// The standings of a route that is refreshed.
const (
	Held     Standing = iota // it holds for another RouteFor
	Lost                     // it wasn't there, and is again: what was sent to the device meanwhile it didn't get
	Replaced                 // the device has connected to another gateway
	Revoked                  // the device was signed out
)

// Routes says where devices are connected. What it knows may be lost; gateways
// refresh their routes.
type Routes interface {
	// Put says where a device is from now on, and returns where it was before, if
	// it was. ErrRevoked of one that was signed out.
	Put(ctx context.Context, r Route) (before *Route, err error)
	// Refresh has routes hold on, and returns what has become of each. A route of
	// an older connection to the same gateway becomes this one; one that is Unknown is
	// put, and counts as Lost.
	Refresh(ctx context.Context, routes []Route) ([]Standing, error)
	// Remove drops a route, unless the device is somewhere else by now.
	Remove(ctx context.Context, r Route) error
}

// A Telling is a frame for devices.
type Telling struct {
	To    []messaging.Address `json:"to"`
	Frame json.RawMessage     `json:"frame"`
}

// Peers are the other gateways. What they are told is stored nowhere, and may get
// lost.
type Peers interface {
	// Tell passes frames to devices that are connected elsewhere.
	Tell(ctx context.Context, all []Telling) error
	// End has another gateway close a connection that was replaced.
	End(ctx context.Context, r Route) error
}

// Limits count what is tried, at all gateways together.
type Limits interface {
	// Count adds one to each of the keys and returns how many there were of each
	// in the window that ends now, about.
	Count(ctx context.Context, window time.Duration, keys ...string) ([]int, error)
}
