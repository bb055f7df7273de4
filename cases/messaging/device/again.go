package device

import (
	"time"

	"designkits/cases/messaging/wire"
)

// A gateway takes 50 frames a second of a device, and 200 at once. What was refused for
// now is said again more slowly than that, in the order in which it was refused; else
// all of it would come back at once, and be refused once more.
const (
	pauseBetween = 200 * time.Millisecond
	fewAgain     = 8
)

// again has a frame said once more in a while, behind those that wait for that. It is
// made when its time has come; nil says nothing. With another connection all is said
// anyway. d.mu is held.
func (d *Device) again(frame func() any) {
	d.later = append(d.later, frame)
	if len(d.later) == 1 {
		d.sayAgain()
	}
}

func (d *Device) sayAgain() {
	conn := d.conn
	time.AfterFunc(pauseBetween, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.conn != conn {
			return
		}
		n := min(fewAgain, len(d.later))
		for _, frame := range d.later[:n] {
			if f := frame(); f != nil {
				d.write(f)
			}
		}
		if d.later = d.later[n:]; len(d.later) > 0 {
			d.sayAgain()
		}
	})
}

// bring sends a message of the outbox, behind those that are to be said again.
func (d *Device) bring(o *outgoing) {
	if len(d.later) == 0 {
		d.write(o.frame)
		return
	}
	d.bringAgain(o.frame.Ref)
}

// bringAgain sends a message once more, unless it was answered meanwhile.
func (d *Device) bringAgain(ref string) {
	d.again(func() any {
		for _, o := range d.outbox {
			if o.frame.Ref == ref {
				return o.frame
			}
		}
		return nil
	})
}

// What is waited for more to acknowledge: a page of an inbox is then acknowledged by a
// frame or two, and not by a hundred. When there are more than fewAcks, the others wait.
const (
	ackPause  = 20 * time.Millisecond
	fewAcks   = 40
	acksPause = time.Second
)

// acknowledge has the screen acknowledged, together with what others show meanwhile.
func (d *Device) acknowledge(s *screen) {
	s.due = true
	d.acknowledgeAfter(ackPause)
}

// acknowledgeAll says all acknowledgements again: they have no ref, so nobody knows
// which of them was refused.
func (d *Device) acknowledgeAll() {
	for _, s := range d.screens {
		s.due, s.readDue = true, true
	}
	d.acknowledgeAfter(pauseBetween)
}

func (d *Device) acknowledgeAfter(pause time.Duration) {
	if d.acking {
		return
	}
	d.acking = true
	time.AfterFunc(pause, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.acking = false
		said := 0
		for c, s := range d.screens {
			if said >= fewAcks {
				d.acknowledgeAfter(acksPause)
				return
			}
			if s.due && s.next > 1 {
				d.write(wire.Ack{Conversation: c, Seq: s.next - 1})
				said++
			}
			if s.readDue && s.read > 0 {
				d.write(wire.Ack{Conversation: c, Seq: s.read, Read: true})
				said++
			}
			s.due, s.readDue = false, false
		}
	})
}
