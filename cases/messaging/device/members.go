package device

import (
	"fmt"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/wire"
)

// A gathering is a roster on its way, page by page.
type gathering struct {
	ref     string              // of the page that is waited for
	members []wire.RosterMember // of those before it
}

// Members asks who is in a conversation; a *wire.Roster with all of its pages answers,
// through Heard. While it is on its way, asking again asks for the same. A connection
// that ends meanwhile, or lags, costs one page: the next goes on where it was, at
// whichever gateway. A gateway from which nothing comes for AnswerWithin is given up: it
// may be frozen, which a browser, where pings can't be seen, doesn't notice by itself.
func (d *Device) Members(c messaging.ConversationID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rosters[c] == nil {
		g := &gathering{}
		d.rosters[c] = g
		d.nextPage(c, g)
	}
	d.expect()
}

// Knock is for who knows a roster of many pages: it asks for no more than the newest
// message, so that a gateway which is frozen is given up as Members says.
func (d *Device) Knock(c messaging.ConversationID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if last := d.screen(c).next - 1; last > 0 {
		d.write(wire.History{Ref: knockRef, Conversation: c, From: last, To: last})
		d.expect()
	}
}

// nextPage asks for what comes behind those that came, under a ref of its own: what
// answers another one comes too late. d.mu is held.
func (d *Device) nextPage(c messaging.ConversationID, g *gathering) {
	d.pages++
	g.ref = fmt.Sprint(membersRef, c, " ", d.pages)
	d.write(g.frame(c))
}

// frame asks for the page that is waited for.
func (g *gathering) frame(c messaging.ConversationID) wire.Members {
	f := wire.Members{Ref: g.ref, Conversation: c}
	if n := len(g.members); n > 0 {
		f.After = g.members[n-1].User
	}
	return f
}

// roster takes a page, and tells of the roster when it is whole. d.mu is held.
func (d *Device) roster(f *wire.Roster) {
	g := d.rosters[f.Conversation]
	if g == nil || f.Ref != g.ref {
		return // it came before
	}
	g.members = append(g.members, f.Members...)
	if f.More && len(f.Members) > 0 {
		d.nextPage(f.Conversation, g)
		return
	}
	delete(d.rosters, f.Conversation)
	f.Members = g.members
	d.tell(f)
}

// rosterRefused has a page asked for again, or gives the roster up. d.mu is held.
func (d *Device) rosterRefused(f *wire.Error) {
	for c, g := range d.rosters {
		switch {
		case g.ref != f.Ref:
		case !f.Again:
			delete(d.rosters, c)
		default:
			d.again(func() any {
				if d.rosters[c] != g || g.ref != f.Ref {
					return nil // answered meanwhile
				}
				return g.frame(c)
			})
		}
	}
}

// expect gives the connection up unless something comes on it soon. d.mu is held.
func (d *Device) expect() {
	conn, frames := d.conn, d.frames
	if conn == nil {
		return
	}
	time.AfterFunc(AnswerWithin, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.conn == conn && d.frames == frames {
			conn.Close()
		}
	})
}
