package api

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/client/body"
)

// A State is how far a message of one's own has come: to everybody, that is to one
// device at least of each.
type State string

// The states, in their order.
const (
	Sending   State = "sending"
	Failed    State = "failed" // Line.Why says why
	Sent      State = "sent"
	Delivered State = "delivered"
	Read      State = "read"
)

// A Line is an entry of a conversation as the screen shows it.
type Line struct {
	body.Entry
	Mine  bool  `json:"mine"`
	State State `json:"state,omitempty"` // of one's own
	Held  bool  `json:"held,omitempty"`  // a key that has changed holds it up
}

// A Member is somebody in a conversation.
type Member struct {
	User     messaging.UserID `json:"user"`
	Name     string           `json:"name"`
	Admin    bool             `json:"admin,omitempty"`
	Here     bool             `json:"here"`
	Online   bool             `json:"online,omitempty"`
	LastSeen time.Time        `json:"lastSeen,omitzero"`
	Typing   bool             `json:"typing,omitempty"`
	// Progress is how far their devices are.
	Progress []messaging.Receipt `json:"progress,omitempty"`
}

// A View is a conversation as the screen shows it.
type View struct {
	ID        messaging.ConversationID `json:"id"`
	Kind      messaging.Kind           `json:"kind"`
	Title     string                   `json:"title"` // of two people: the other's name
	Members   []Member                 `json:"members"`
	Lines     []Line                   `json:"lines"`
	More      bool                     `json:"more,omitempty"` // there are lines before these
	Last      messaging.Seq            `json:"last"`
	Unread    int                      `json:"unread,omitempty"`
	Mentioned bool                     `json:"mentioned,omitempty"` // in what is unread
	MayPost   bool                     `json:"mayPost"`
}

// Talks are all conversations with their last line, the newest first.
func (c *Client) Talks() []View {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []View
	for id := range c.talks {
		all = append(all, c.view(id, 1))
	}
	slices.SortFunc(all, func(a, b View) int { return cmp.Or(b.at().Compare(a.at()), cmp.Compare(a.ID, b.ID)) })
	return all
}

func (v View) at() time.Time {
	if len(v.Lines) == 0 {
		return time.Time{}
	}
	return v.Lines[len(v.Lines)-1].At
}

// View is a conversation with its last lines, at most so many.
func (c *Client) View(id messaging.ConversationID, lines int) View {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.view(id, lines)
}

func (c *Client) view(id messaging.ConversationID, most int) View {
	t := c.talk(id)
	v := View{ID: id, Kind: id.Kind(), Last: t.last, Members: []Member{}, Lines: []Line{}}
	if t.roster != nil {
		v.Title, v.MayPost = t.roster.Title, t.roster.MayPost(c.me.User, messaging.Posted) == nil
		for u, m := range t.roster.Members {
			v.Members = append(v.Members, c.member(t, u, m))
			if v.Kind == messaging.Direct && u != c.me.User {
				v.Title = c.name(u)
			}
		}
		slices.SortFunc(v.Members, func(a, b Member) int { return cmp.Compare(a.Name, b.Name) })
	}
	entries := c.fold(id)
	for _, e := range entries {
		if e.Seq > t.seen && e.Sender.User != c.me.User && e.Kind == messaging.Posted {
			v.Unread++
			v.Mentioned = v.Mentioned || slices.Contains(e.Mentions, c.me.User)
		}
	}
	v.More = len(entries) > most
	for _, e := range entries[max(0, len(entries)-most):] {
		v.Lines = append(v.Lines, c.line(t, e))
	}
	return v
}

func (c *Client) member(t *talk, u messaging.UserID, m messaging.Membership) Member {
	p := c.person(u)
	one := Member{User: u, Name: c.name(u), Admin: m.Role == messaging.Admin, Here: m.Here(), Online: p.online, LastSeen: p.lastSeen}
	one.Typing = t.typing[u].After(c.cfg.Now())
	for a, r := range t.receipts {
		if a.User == u {
			one.Progress = append(one.Progress, r)
		}
	}
	slices.SortFunc(one.Progress, func(a, b messaging.Receipt) int { return a.Device.Compare(b.Device) })
	return one
}

// fold is what there is of a conversation, with what waits to be sent at its end.
func (c *Client) fold(id messaging.ConversationID) []body.Entry {
	t := c.talk(id)
	if t.folded != nil {
		return t.folded
	}
	items := make([]body.Item, 0, len(t.items))
	for _, item := range t.items {
		items = append(items, item)
	}
	for _, o := range c.outbox {
		if o.Message.Conversation != id || o.Message.Kind == messaging.Created {
			continue
		}
		item := body.Item{ID: o.Message.ID, Sender: c.me.Device, At: o.At, Kind: o.Message.Kind, Target: o.Message.Target, Users: o.Message.Users}
		if o.Plain != nil {
			if b, err := body.Decode(o.Plain, id, o.Message.ID); err == nil {
				item.Body = b
			}
		}
		items = append(items, item)
	}
	t.folded = body.Fold(items, t.admin)
	return t.folded
}

func (c *Client) line(t *talk, e body.Entry) Line {
	l := Line{Entry: e, Mine: e.Sender.User == c.me.User}
	if l.Why == whyDeleted {
		l.Why, l.Deleted = "", true
	}
	if !l.Mine || e.Kind != messaging.Posted {
		return l
	}
	if e.Seq > 0 {
		l.State = c.state(t, e.Seq)
		return l
	}
	l.State = Sending
	for _, o := range c.outbox {
		if o.Message.ID != e.ID {
			continue
		}
		switch {
		case o.Why != "":
			l.State, l.Why, l.Held = Failed, o.Why, o.Held != nil
		case o.sent:
			l.State = Sent
		}
	}
	return l
}

// state is how far everybody else who is there is.
func (c *Client) state(t *talk, s messaging.Seq) State {
	if t.roster == nil {
		return Sent
	}
	read, delivered := map[messaging.UserID]bool{}, map[messaging.UserID]bool{}
	for a, r := range t.receipts {
		read[a.User] = read[a.User] || r.Read >= s
		delivered[a.User] = delivered[a.User] || r.Delivered >= s
	}
	all, others := Read, false
	for u, m := range t.roster.Members {
		switch {
		case u == c.me.User || !m.Here() || !m.MayRead(s):
			continue
		case !delivered[u]:
			return Sent
		case !read[u]:
			all = Delivered
		}
		others = true
	}
	if !others {
		return Sent
	}
	return all
}

// A Found is a line that Search has found.
type Found struct {
	Conversation messaging.ConversationID `json:"conversation"`
	Title        string                   `json:"title"`
	Line         Line                     `json:"line"`
}

// Search finds text in what this device has, the newest first, at most so many: the
// server can't search what it can't read.
func (c *Client) Search(text string, limit int) (found []Found) {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, t := range c.talks {
		title := c.view(id, 0).Title
		for _, e := range c.fold(id) {
			name := ""
			if e.Media != nil {
				name = e.Media.Name
			}
			if strings.Contains(strings.ToLower(e.Text+"\n"+name), text) {
				found = append(found, Found{id, title, c.line(t, e)})
			}
		}
	}
	slices.SortFunc(found, func(a, b Found) int { return b.Line.At.Compare(a.Line.At) })
	return found[:min(len(found), limit)]
}
