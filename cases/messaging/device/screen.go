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
	// readDue: that the person has seen it is to be said again.
	readDue bool
}

// heard does what a frame asks for. Its error ends the connection.
func (d *Device) heard(conn Conn, frame any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.frames++
	switch f := frame.(type) {
	case *wire.Welcome:
		d.conn, d.tries = conn, 0
		if f.Token != "" {
			d.token = f.Token
			d.tell(f)
		}
		d.turn(On{Gateway: f.Gateway})
		d.anew()
	case *wire.Current:
		if d.looking = false; d.cfg.All {
			d.settle()
		}
		d.turn(On{Gateway: d.on.Gateway, Current: true})
	case *wire.Lagging:
		d.turn(On{Gateway: d.on.Gateway})
		d.anew() // the answers that were queued are dropped as well
	case *wire.Message:
		d.take(f.Message)
		d.show(f.Conversation)
	case *wire.Notice:
		s := d.screen(f.Conversation)
		s.last = max(s.last, f.Seq)
		d.show(f.Conversation)
	case *wire.Page:
		if f.Ref != knockRef {
			d.page(f)
		}
	case *wire.Roster:
		d.roster(f)
	case *wire.Sent:
		d.sent(f)
	case *wire.Error:
		d.refused(f)
	case *wire.Move:
		// In its own time, so that not all come at once. The gateway closes what
		// doesn't go.
		time.AfterFunc(f.After, conn.Close)
	default:
		d.tell(frame)
	}
	return d.failed
}

func (d *Device) resume() { d.write(d.resumption()) }

func (d *Device) resumption() any { return wire.Resume{Ref: resumeRef, All: d.cfg.All || d.looking} }

// settles is after how long a new device is known to all who write inboxes: twice
// fanout.DevicesFor, and a moment.
const settles = 5 * time.Second

// settle asks once more how far everything is. What was said in between is in no
// inbox of a new device, and nobody tells it.
func (d *Device) settle() {
	d.cfg.All = false
	time.AfterFunc(settles, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.looking = true
		d.resume() // or the next connection does, where there is none
	})
}

// anew says all that isn't answered: what was under way when the last connection ended,
// or when this one lagged, may not have arrived, or its answer.
func (d *Device) anew() {
	d.resume()
	for _, o := range d.outbox {
		d.bring(o)
	}
	for c, s := range d.screens {
		s.asked, s.readDue = 0, true
		d.show(c)
	}
	d.acknowledgeAfter(ackPause)
	for c, g := range d.rosters {
		d.write(g.frame(c))
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
	watchRef   = "watch"
	knockRef   = "knock"
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

// refused takes in that a frame wasn't followed: what may succeed later is said again.
func (d *Device) refused(f *wire.Error) {
	history, ofHistory := strings.CutPrefix(f.Ref, historyRef)
	switch {
	case ofHistory:
		s := d.screen(messaging.ConversationID(history))
		s.asked = 0
		if f.Again {
			s.asked = max(s.last, s.next)
			d.again(func() any {
				return wire.History{Ref: f.Ref, Conversation: messaging.ConversationID(history), From: s.next, To: max(s.last, s.next)}
			})
		}
	case strings.HasPrefix(f.Ref, membersRef):
		d.rosterRefused(f)
	case !f.Again:
		d.drop(f)
	case f.Ref == "":
		d.acknowledgeAll()
	case f.Ref == resumeRef:
		d.again(d.resumption)
	case f.Ref == watchRef:
		d.again(func() any { return *d.watched })
	default:
		d.bringAgain(f.Ref)
	}
}

// drop takes a message that is refused for good out of the outbox.
func (d *Device) drop(f *wire.Error) {
	for i, o := range d.outbox {
		if o.frame.Ref == f.Ref {
			d.outbox = append(d.outbox[:i:i], d.outbox[i+1:]...)
			o.done <- result{err: &Refusal{*f}}
			return
		}
	}
}
