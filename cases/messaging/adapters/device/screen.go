package device

import (
	"time"

	"github.com/gorilla/websocket"

	"designkits/cases/messaging"
	"designkits/cases/messaging/wire"
)

// A screen is what a device shows of a conversation.
type screen struct {
	next  messaging.Seq                       // the number that is shown next
	early map[messaging.Seq]messaging.Message // that came before it
	last  messaging.Seq                       // the highest that is known of
	asked messaging.Seq                       // the gap up to here was asked for; 0: nothing was
}

// heard does what a frame asks for. Its error ends the connection.
func (d *Device) heard(conn *websocket.Conn, frame any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch f := frame.(type) {
	case *wire.Welcome:
		d.conn, d.tries = conn, 0
		d.write(wire.Resume{Ref: "resume"})
		for _, o := range d.outbox {
			d.write(o.frame)
		}
	case *wire.Current:
		d.current = true
	case *wire.Lagging:
		d.current = false
		d.write(wire.Resume{Ref: "resume"})
	case *wire.Message:
		d.take(f.Message)
		d.show(f.Conversation)
	case *wire.Notice:
		s := d.screen(f.Conversation)
		s.last = max(s.last, f.Seq)
		d.show(f.Conversation)
	case *wire.Page:
		d.page(f)
	case *wire.Sent:
		d.sent(f)
	case *wire.Error:
		d.refused(conn, f)
	case *wire.Move:
		// In its own time, so that not all come at once. The gateway closes what
		// doesn't go.
		time.AfterFunc(f.After, func() { _ = conn.Close() })
	}
	return nil
}

func (d *Device) screen(c messaging.ConversationID) *screen {
	s := d.screens[c]
	if s == nil {
		s = &screen{next: 1, early: map[messaging.Seq]messaging.Message{}}
		d.screens[c] = s
	}
	return s
}

// take keeps a message that isn't on the screen.
func (d *Device) take(m messaging.Message) {
	s := d.screen(m.Conversation)
	s.last = max(s.last, m.Seq)
	if m.Seq >= s.next {
		s.early[m.Seq] = m
	}
}

// show puts onto the screen what is next, acknowledges it, and asks for the gap
// before what came early.
func (d *Device) show(c messaging.ConversationID) {
	s := d.screen(c)
	before := s.next
	for {
		m, ok := s.early[s.next]
		if !ok {
			break
		}
		delete(s.early, s.next)
		s.next++
		d.cfg.Shown(m)
	}
	if s.next > before {
		d.write(wire.Ack{Conversation: c, Seq: s.next - 1})
	}
	if s.last >= s.next && s.asked < s.next {
		s.asked = s.last
		d.write(wire.History{Ref: historyRef + string(c), Conversation: c, From: s.next, To: s.last})
	}
}

const historyRef = "history "

// page takes the answer to a gap. What is before this person's history begins, or
// behind its end, is left out; anything else that is missing has its number and is
// about to be stored, so it is asked for again.
func (d *Device) page(f *wire.Page) {
	s := d.screen(f.Conversation)
	before := s.next
	s.next = max(s.next, f.Begins)
	if f.Ends > 0 {
		s.last = min(s.last, f.Ends)
	}
	for _, m := range f.Messages {
		d.take(m)
	}
	if _, ok := s.early[s.next]; ok || s.next > before {
		s.asked = 0
		d.show(f.Conversation)
		return
	}
	conn := d.conn
	time.AfterFunc(pauseBetween, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.conn == conn {
			s.asked = 0
			d.show(f.Conversation)
		}
	})
}

// sent puts one's own message onto the screen at its place.
func (d *Device) sent(f *wire.Sent) {
	for i, o := range d.outbox {
		if o.frame.Ref != f.Ref {
			continue
		}
		d.outbox = append(d.outbox[:i:i], d.outbox[i+1:]...)
		d.take(messaging.Message{
			Draft: messaging.Draft{
				Conversation: o.frame.Conversation, ID: o.frame.ID, Sender: d.cfg.Address, Kind: o.frame.Kind,
				Target: o.frame.Target, Users: o.frame.Users, Title: o.frame.Title, Body: o.frame.Body,
			},
			Seq: f.Seq, At: f.At,
		})
		o.done <- result{sent: *f}
		d.show(f.Conversation)
		return
	}
}

// A Refusal is an error frame that is final.
type Refusal struct{ Frame wire.Error }

func (r *Refusal) Error() string { return r.Frame.Kind + ": " + r.Frame.Detail }

// pauseBetween is how long is waited before something is sent again that may
// succeed later.
const pauseBetween = 200 * time.Millisecond

func (d *Device) refused(conn *websocket.Conn, f *wire.Error) {
	again := func(frame any) {
		time.AfterFunc(pauseBetween, func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.conn == conn { // else it is sent with the next
				d.write(frame)
			}
		})
	}
	if f.Ref == "resume" && f.Again {
		again(wire.Resume{Ref: "resume"})
		return
	}
	if f.Ref == "" && f.Again { // acknowledgements have none: they are all said again
		for c, s := range d.screens {
			if s.next > 1 {
				again(wire.Ack{Conversation: c, Seq: s.next - 1})
			}
		}
		return
	}
	for c, s := range d.screens {
		if f.Ref == historyRef+string(c) {
			s.asked = 0
			if f.Again {
				again(wire.History{Ref: f.Ref, Conversation: c, From: s.next, To: max(s.last, s.next)})
				s.asked = max(s.last, s.next)
			}
			return
		}
	}
	for i, o := range d.outbox {
		if o.frame.Ref != f.Ref {
			continue
		}
		if f.Again {
			again(o.frame)
			return
		}
		d.outbox = append(d.outbox[:i:i], d.outbox[i+1:]...)
		o.done <- result{err: &Refusal{*f}}
		return
	}
}
