package messaging

import (
	"context"
	"time"
)

// All methods of all stores may be called by many goroutines at once and may be
// repeated after any error, unless their comment says otherwise: they are written
// so that the number and the order of calls with the same arguments don't matter.
// None reads before it writes. storetest is these contracts as tests.

// A History keeps the messages of conversations.
type History interface {
	// Put stores messages of any conversations. One that is stored already is
	// stored again, with the same content.
	Put(ctx context.Context, messages []Message) error
	// Forget takes the bodies of a message away; its place in the order stays.
	// A Put of the message afterwards doesn't bring them back.
	Forget(ctx context.Context, c ConversationID, s Seq) error
	// Range returns the messages from one number to another, both included, at
	// most limit, in order.
	Range(ctx context.Context, c ConversationID, from, to Seq, limit int) ([]Message, error)
	// Last returns the newest messages, at most limit, in order; none of a
	// conversation that has none.
	Last(ctx context.Context, c ConversationID, limit int) ([]Message, error)
}

// An Item is a message in a device's inbox: with its own bodies only.
type Item struct {
	Device  Address
	Message Message
}

// An Inbox keeps for each device what it hasn't acknowledged yet. An item is
// dropped after InboxFor, unread or not.
type Inbox interface {
	// Put stores items, each in the inbox of its device; of the message's bodies
	// the device's own. One that is put again is one, and one that was
	// acknowledged stays away.
	Put(ctx context.Context, items []Item) error
	// Page returns items of a device, at most limit, oldest day first and within
	// a day by conversation and number; next continues there, and is "" at the
	// end. An item comes in no page once a receipt says that the device has it, also
	// when it is put afterwards.
	Page(ctx context.Context, a Address, cursor string, limit int) (items []Message, next string, err error)
	// Drop removes what comes in no page any more: of each receipt, which is stored
	// already, the items of its device and conversation up to what is delivered. It
	// clears up, and nothing is lost or shown where it is done late or never.
	Drop(ctx context.Context, receipts []Receipt) error
	// Forget takes the bodies of a message, which is known by its conversation,
	// number and time, out of the inboxes of devices. The items stay, so that each
	// device sees that there was one. A Put afterwards doesn't bring the bodies back.
	Forget(ctx context.Context, devices []Address, m Message) error
}

// InboxFor is how long a device may be away and still find all in its inbox.
const InboxFor = 30 * 24 * time.Hour

// Rosters keeps who is in which conversation.
type Rosters interface {
	// Create stores a conversation with its first members, as message number 1
	// has made them. Creating it again, which is with the same content, undoes no
	// Change. After an error it may be in part there; repeat it.
	Create(ctx context.Context, r Roster) error
	// Roster returns the conversation and its members, or ErrNotFound.
	Roster(ctx context.Context, c ConversationID) (*Roster, error)
	// Page returns the conversation and those of its members, at most limit, who come
	// behind a person in an order that never changes; with "" from the first. Who comes
	// or goes meanwhile moves nobody else. The person needn't be a member. ErrNotFound
	// as Roster, *Invalid of a place that is none.
	Page(ctx context.Context, c ConversationID, after UserID, limit int) (*RosterPage, error)
	// Change stores what a message of kind Added, Removed or Left has changed.
	// An older message's change never undoes a newer one's.
	Change(ctx context.Context, c ConversationID, changed []Membership, by Seq) error
	// Of returns the conversations that a person is in now, page by page; next is
	// "" at the end.
	Of(ctx context.Context, u UserID, cursor string, limit int) (conversations []Conversation, next string, err error)
	// Count returns how many conversations each of some people is in, in the order
	// of users.
	Count(ctx context.Context, users []UserID) ([]int, error)
}

// A RosterPage is a part of a Roster, in the order of the store.
type RosterPage struct {
	Conversation
	Members []Membership
	More    bool // others come behind these
}

// MaxConversations is how many conversations a person is in at most, about: of many
// that begin at once a few more may come to be. It bounds what is kept for a person.
const MaxConversations = 10_000

// A Receipt says how far a device has a conversation, and how far a person has
// read it. Both only grow.
type Receipt struct {
	Conversation ConversationID `json:"conversation"`
	Device       Address        `json:"device"`
	Delivered    Seq            `json:"delivered,omitempty"`
	Read         Seq            `json:"read,omitempty"`
}

// Receipts keeps how far everybody is.
type Receipts interface {
	// Put stores receipts, which empties inboxes of what is delivered. A lower number
	// than is known changes nothing, and 0 says nothing.
	Put(ctx context.Context, receipts []Receipt) error
	// Of returns those of a conversation, at most limit.
	Of(ctx context.Context, c ConversationID, limit int) ([]Receipt, error)
}

// A Device is one that somebody has linked.
type Device struct {
	Address
	Name   string // "Ana's phone"
	Linked time.Time
}

// Accounts keeps people and their devices.
type Accounts interface {
	// Create makes an account and returns ErrTaken if somebody has the name. Of
	// many who want it at once exactly one gets it. An account has one name.
	Create(ctx context.Context, u UserID, name string) error
	// Find returns the account of a name, or ErrNotFound.
	Find(ctx context.Context, name string) (UserID, error)
	// Name returns the name of an account, or ErrNotFound.
	Name(ctx context.Context, u UserID) (string, error)
	// Names returns the names of those of the accounts that there are.
	Names(ctx context.Context, users []UserID) (map[UserID]string, error)
	// Link adds a device and gives it its number; ErrTooMany above MaxDevices.
	// Repeating it after an error may leave one that nobody uses.
	Link(ctx context.Context, u UserID, name string) (Device, error)
	// Revoke signs a device out; ErrNotFound if there is none. What it has left
	// behind elsewhere (see Prekeys) is the caller's to withdraw.
	Revoke(ctx context.Context, a Address) error
	// Devices returns those of people that are signed in, in any order.
	Devices(ctx context.Context, users []UserID) ([]Device, error)
}
