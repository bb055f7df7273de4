package device

import (
	"strings"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/wire"
)

// A screen is what a device shows of a conversation.
type screen struct {
	next  messaging.Seq                       // the number that is shown next
	early map[messaging.Seq]messaging.Message // that came before it
	last  messaging.Seq                       // the highest that is known of
	asked messaging.Seq                       // the gap up to here was asked for; 0: nothing was
	read  messaging.Seq                       // the person has seen it up to here
	due   bool                                // it is to be acknowledged
}

// heard does what a frame asks for. Its error ends the connection.
func (d *Device) heard(conn Conn, frame any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.frames++
	switch f := frame.(type) {
	case *wire.Welcome:
		d.conn, d.tries = conn, 0
		d.turn(On{Gateway: f.Gateway})
		d.welcomed()
	case *wire.Current:
		if d.cfg.All {
			d.settle(conn)
		}
		d.turn(On{Gateway: d.on.Gateway, Current: true})
	case *wire.Lagging:
		d.turn(On{Gateway: d.on.Gateway})
		d.resume()
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
		time.AfterFunc(f.After, conn.Close)
	default:
		d.tell(frame)
	}
	return d.failed
}

func (d *Device) resume() { d.write(wire.Resume{Ref: resumeRef, All: d.cfg.All}) }

// settles is after how long a new device is known to all who write inboxes: twice
// fanout.DevicesFor, and a moment.
const settles = 5 * time.Second

// settle asks once more how far everything is. What was said in between is in no
// inbox of a new device, and nobody tells it.
func (d *Device) settle(conn Conn) {
	d.cfg.All = false
	time.AfterFunc(settles, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.conn == conn {
			d.write(wire.Resume{Ref: resumeRef, All: true})
		} else {
			d.cfg.All = true // with the next connection
		}
	})
}

// welcomed begins a connection: what was under way when the last one ended may not
// have arrived.
func (d *Device) welcomed() {
	d.resume()
	for _, o := range d.outbox {
		d.write(o.frame)
	}
	for c, s := range d.screens {
		if s.read > 0 {
			d.write(wire.Ack{Conversation: c, Seq: s.read, Read: true})
		}
	}
	if d.watched != nil {
		d.write(*d.watched)
	}
}

// The refs of frames that are answered.
const (
	resumeRef  = "resume"
	historyRef = "history "
	membersRef = "members "
)

func (d *Device) screen(c messaging.ConversationID) *screen {
	s := d.screens[c]
	if s == nil {
		s = &screen{next: 1, early: map[messaging.Seq]messaging.Message{}}
		d.screens[c] = s
	}
	return s
}

// take keeps a message that isn't on the screen. One that is there comes again when
// its acknowledgement was lost: without another the gateway would wait for it.
func (d *Device) take(m messaging.Message) {
	s := d.screen(m.Conversation)
	s.last = max(s.last, m.Seq)
	if m.Seq >= s.next {
		s.early[m.Seq] = m
	} else {
		d.acknowledge(s)
	}
}

// show puts onto the screen what is next, acknowledges it, and asks for the gap
// before what came early.
func (d *Device) show(c messaging.ConversationID) {
	s := d.screen(c)
	before := s.next
	for {
		m, ok := s.early[s.next]
		if !ok || d.failed != nil {
			break
		}
		if d.failed = d.cfg.Shown(m); d.failed != nil {
			if d.conn != nil {
				d.conn.Close()
			}
			break
		}
		delete(s.early, s.next)
		s.next++
	}
	if s.next > before {
		d.acknowledge(s)
	}
	if s.last >= s.next && s.asked < s.next {
		s.asked = s.last
		d.write(wire.History{Ref: historyRef + string(c), Conversation: c, From: s.next, To: s.last})
	}
}

// ackPause is what is waited for more to acknowledge: a page of an inbox is then
// acknowledged by a frame or two, and not by a hundred, which is more than a gateway
// takes of a device at once.
const ackPause = 20 * time.Millisecond

// acknowledge has the screen acknowledged, together with what others show meanwhile.
func (d *Device) acknowledge(s *screen) {
	s.due = true
	if d.acking {
		return
	}
	d.acking = true
	time.AfterFunc(ackPause, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.acking = false
		for c, s := range d.screens {
			if s.due && s.next > 1 {
				d.write(wire.Ack{Conversation: c, Seq: s.next - 1})
			}
			s.due = false
		}
	})
}

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
		d.show(f.Conversation)
		o.done <- result{sent: *f}
		return
	}
}

// A Refusal is an error frame that is final.
type Refusal struct{ Frame wire.Error }

func (r *Refusal) Error() string { return r.Frame.Kind + ": " + r.Frame.Detail }

// pauseBetween is how long is waited before something is sent again that may
// succeed later.
const pauseBetween = 200 * time.Millisecond

func (d *Device) refused(conn Conn, f *wire.Error) {
	again := func(frame any) {
		time.AfterFunc(pauseBetween, func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.conn == conn { // else it is sent with the next
				d.write(frame)
			}
		})
	}
	if f.Ref == resumeRef && f.Again {
		again(wire.Resume{Ref: resumeRef, All: d.cfg.All})
		return
	}
	if f.Ref == "" && f.Again { // acknowledgements have none: they are all said again
		for c, s := range d.screens {
			if s.next > 1 {
				again(wire.Ack{Conversation: c, Seq: s.next - 1})
			}
			if s.read > 0 {
				again(wire.Ack{Conversation: c, Seq: s.read, Read: true})
			}
		}
		return
	}
	if c, ok := strings.CutPrefix(f.Ref, membersRef); ok && f.Again {
		again(wire.Members{Ref: f.Ref, Conversation: messaging.ConversationID(c)})
		return
	}
	if c, ok := strings.CutPrefix(f.Ref, historyRef); ok {
		s := d.screen(messaging.ConversationID(c))
		s.asked = 0
		if f.Again {
			again(wire.History{Ref: f.Ref, Conversation: messaging.ConversationID(c), From: s.next, To: max(s.last, s.next)})
			s.asked = max(s.last, s.next)
		}
		return
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
