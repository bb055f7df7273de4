package messaging

import (
	"slices"
	"time"
)

// A Kind is what sort of conversation it is.
type Kind string

// The kinds of conversations. Direct has two members for ever; in a Group all
// may write; in a Channel admins write and everybody reads.
const (
	Direct  Kind = "direct"
	Group   Kind = "group"
	Channel Kind = "channel"
)

// Letter begins the ids of conversations of the kind.
func (k Kind) Letter() string {
	switch k {
	case Group:
		return "g"
	case Channel:
		return "b"
	}
	return "c"
}

// A Role is what a member may do besides reading.
type Role string

// The roles. An admin adds and removes members and deletes others' messages.
const (
	Member Role = "member"
	Admin  Role = "admin"
)

const (
	// MaxMembers is how many people a group or channel has at most.
	MaxMembers = 100_000
	// MaxRoster is how many different people it has in its life. Who has left stays on
	// the roster, since what was said until then is theirs to read, and so do their
	// receipts: see MemberShards for what that comes to. Who comes back is one of them.
	MaxRoster = 2 * MaxMembers
)

// A Membership is one person's place in a conversation. Its history begins for
// them with the message of number Since: what was said before they came is not
// theirs to read. Until is the last they may read once they have gone; 0 while
// they are there.
type Membership struct {
	User  UserID
	Role  Role
	Since Seq
	Until Seq
}

// Here reports whether the person is a member now.
func (m Membership) Here() bool { return m.Until == 0 }

// MayRead reports whether the message of that number is theirs to read.
func (m Membership) MayRead(s Seq) bool { return s >= m.Since && (m.Until == 0 || s <= m.Until) }

// A Conversation is what all its members know of it.
type Conversation struct {
	ID      ConversationID
	Kind    Kind
	Title   string // chosen by who made it, and seen by the server; empty for Direct
	Created time.Time
}

// A Roster is who was and is in a conversation. It changes by messages of the
// conversation, so that everybody sees the change at the same place in the order.
type Roster struct {
	Conversation
	Members map[UserID]Membership
}

// Here is how many are members now.
func (r *Roster) Here() (n int) {
	for _, m := range r.Members {
		if m.Here() {
			n++
		}
	}
	return n
}

// Strangers is how many of some people have never been members.
func (r *Roster) Strangers(users []UserID) (n int) {
	for _, u := range users {
		if _, known := r.Members[u]; !known {
			n++
		}
	}
	return n
}

// MayPost is nil, ErrNotMember, or ErrNotAllowed, for a message of a kind by a
// member.
func (r *Roster) MayPost(u UserID, k MessageKind) error {
	m, ok := r.Members[u]
	switch {
	case !ok || !m.Here():
		return ErrNotMember
	case r.Kind == Channel && m.Role != Admin && k != Left:
		return ErrNotAllowed
	case k == Added || k == Removed:
		if r.Kind == Direct || m.Role != Admin {
			return ErrNotAllowed
		}
	case k == Left && r.Kind == Direct:
		return ErrNotAllowed
	}
	return nil
}

// Apply takes a committed message into account: of kinds Created, Added, Removed
// and Left it changes who is there, from that message's number on. Repeating it
// changes nothing more.
func (r *Roster) Apply(m Message) {
	switch m.Kind {
	case Created:
		r.Conversation = Conversation{ID: m.Conversation, Kind: m.Conversation.Kind(), Title: m.Title, Created: m.At}
		r.Members = map[UserID]Membership{m.Sender.User: {User: m.Sender.User, Role: Admin, Since: m.Seq}}
		fallthrough
	case Added:
		for _, u := range m.Users {
			if before, ok := r.Members[u]; !ok || !before.Here() && before.Until < m.Seq {
				r.Members[u] = Membership{User: u, Role: Member, Since: m.Seq}
			}
		}
	case Removed, Left:
		users := m.Users
		if m.Kind == Left {
			users = []UserID{m.Sender.User}
		}
		for _, u := range users {
			if before, ok := r.Members[u]; ok && before.Here() && before.Since <= m.Seq {
				before.Until = m.Seq
				r.Members[u] = before
			}
		}
	}
}

// Users are who is there now, in order.
func (r *Roster) Users() []UserID {
	var users []UserID
	for u, m := range r.Members {
		if m.Here() {
			users = append(users, u)
		}
	}
	slices.Sort(users)
	return users
}

// Readers are who may read the message of that number.
func (r *Roster) Readers(s Seq) []UserID {
	users := make([]UserID, 0, len(r.Members))
	for u, m := range r.Members {
		if m.MayRead(s) {
			users = append(users, u)
		}
	}
	return users
}
