package session

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/wire"
)

// A catchUp is what is kept of a device while it catches up. Session.mu guards it.
type catchUp struct {
	ref    string
	all    bool
	since  time.Time                                  // the device last made progress
	cursor string                                     // of the inbox's next page
	end    bool                                       // there is no next page
	rest   []messaging.Message                        // read and not sent
	open   map[messaging.ConversationID]messaging.Seq // sent and not acknowledged

	held
}

// held is what was announced before a device is live.
type held struct {
	frames [][]byte
	bytes  int
	// again says that more was announced than is held: the inbox is read again.
	again bool
}

const (
	inboxPage  = 100
	aheadBytes = 128 << 10 // sent and not acknowledged, about; fits into a connection's queue
	maxHeld    = 64
	heldBytes  = 128 << 10
	// progressWithin is how long a device may take to acknowledge what it was sent.
	progressWithin = 30 * time.Second
)

// hold keeps a frame for when the device has caught up.
func (h *held) hold(frame []byte) {
	if h.again {
		return // it is in the inbox, or is given notice of
	}
	if h.bytes += len(frame); h.bytes > heldBytes || len(h.frames) == maxHeld {
		*h = held{again: true}
		return
	}
	h.frames = append(h.frames, frame)
}

// acknowledged reports whether all that was sent is acknowledged by that.
func (c *catchUp) acknowledged(conversation messaging.ConversationID, s messaging.Seq) bool {
	open, ok := c.open[conversation]
	if !ok || s < open {
		return false
	}
	c.since = time.Now()
	delete(c.open, conversation)
	return len(c.open) == 0
}

// resume begins to catch up, from the oldest that the inbox holds.
func (s *Session) resume(ctx context.Context, f *wire.Resume) {
	s.mu.Lock()
	s.live = false
	c := &catchUp{ref: f.Ref, all: f.All, since: time.Now()}
	switch {
	case s.early != nil:
		c.held = *s.early
	case s.catchUp != nil:
		c.held = s.catchUp.held
	}
	c.again = false // what was too much is read from here on
	s.catchUp, s.early = c, nil
	s.mu.Unlock()
	s.conn.Resumed()
	s.next(ctx)
}

// next sends what comes next of the inbox. It is called again when the device has
// acknowledged that.
func (s *Session) next(ctx context.Context) {
	for {
		s.mu.Lock()
		c := s.catchUp
		s.mu.Unlock()
		if c == nil {
			return // it has gone, or lags
		}
		if len(c.rest) == 0 && !c.end {
			items, cursor, err := s.hub.cfg.Inbox.Page(ctx, s.device, c.cursor, inboxPage)
			if err != nil {
				s.quiet(c, err)
				return
			}
			// Only the goroutine that follows the device's frames is here.
			c.rest, c.cursor, c.end = items, cursor, cursor == ""
		}
		if len(c.rest) > 0 {
			s.sendSome(c)
			return
		}
		if err := s.notices(ctx, c.all); err != nil {
			s.quiet(c, err)
			return
		}
		if s.current(c) {
			return
		}
	}
}

// sendSome sends as much as fits.
func (s *Session) sendSome(c *catchUp) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.catchUp != c {
		return
	}
	c.open, c.since = map[messaging.ConversationID]messaging.Seq{}, time.Now()
	bytes := 0
	for len(c.rest) > 0 && bytes < aheadBytes {
		m := c.rest[0]
		c.rest = c.rest[1:]
		frame := messageFrame(m, s.device)
		if !s.conn.Send(frame) {
			s.catchUp = nil // it lags, and asks to resume once more
			return
		}
		bytes += len(frame)
		c.open[m.Conversation] = max(c.open[m.Conversation], m.Seq)
		s.hub.known.learn(m.Conversation, m.Seq)
	}
}

func messageFrame(m messaging.Message, for_ messaging.Address) []byte {
	m.Body = m.Body.For(for_)
	return wire.Encode(wire.Message{Message: m})
}

// current ends the catching up, unless the inbox must be read again.
func (s *Session) current(c *catchUp) bool {
	done := s.settle(c)
	if done {
		s.hub.watchAgain(s.device)
	}
	return done
}

func (s *Session) settle(c *catchUp) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.catchUp != c {
		return true
	}
	if c.again {
		c.again, c.cursor, c.end = false, "", false
		return false
	}
	s.catchUp, s.live = nil, true
	for _, frame := range append(c.frames, wire.Encode(wire.Current{Ref: c.ref})) {
		s.live = s.live && s.conn.Send(frame)
	}
	s.hub.Counts.Caught.Add(1)
	return true
}

// quiet gives up catching up. What is refused is the Resume, also where an
// acknowledgement has led here: the device is to ask once more.
func (s *Session) quiet(c *catchUp, err error) {
	s.mu.Lock()
	gaveUp := s.catchUp == c
	if gaveUp {
		kept := c.held // what was announced comes once the device has asked
		s.catchUp, s.early = nil, &kept
	}
	s.mu.Unlock()
	if gaveUp { // else it has gone, or asks anyway
		s.refuseResume(c.ref, err)
	}
}

// refuseResume has a device ask to resume once more. A Resume without a ref, as is the
// gateway's own, it wouldn't know again: it is told that it lags.
func (s *Session) refuseResume(ref string, err error) {
	s.refuse(ref, err)
	if ref == "" {
		s.conn.Send(wire.Encode(wire.Lagging{}))
	}
}

// again has a device catch up that may have missed something, if it is live.
func (s *Session) again() {
	s.mu.Lock()
	live := s.live
	if s.catchUp != nil {
		s.catchUp.again = true
	}
	s.mu.Unlock()
	if live {
		s.enqueue(&wire.Resume{}, 0)
	}
}

// stalled gives up on a device that acknowledges nothing: it has to ask again.
func (s *Session) stalled(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.catchUp != nil && len(s.catchUp.open) > 0 && now.Sub(s.catchUp.since) > progressWithin {
		s.catchUp = nil
		s.conn.Send(wire.Encode(wire.Lagging{}))
	}
}

// notices tells how far conversations are whose messages may not be in inboxes:
// groups and channels; with all set every one, for a device that has nothing yet.
func (s *Session) notices(ctx context.Context, all bool) error {
	for cursor, first := "", true; first || cursor != ""; first = false {
		conversations, next, err := s.hub.cfg.Rosters.Of(ctx, s.device.User, cursor, 100)
		if err != nil {
			return err
		}
		newest := make([]messaging.Seq, len(conversations))
		reads, reading := errgroup.WithContext(ctx)
		reads.SetLimit(8)
		for i, c := range conversations {
			if all || c.Kind != messaging.Direct {
				reads.Go(func() (err error) {
					newest[i], err = s.hub.known.newestOf(reading, c.ID)
					return err
				})
			}
		}
		if err := reads.Wait(); err != nil {
			return err
		}
		for i, c := range conversations {
			if newest[i] > 0 && !s.conn.Send(wire.Encode(wire.Notice{Conversation: c.ID, Seq: newest[i]})) {
				return nil
			}
		}
		cursor = next
	}
	return nil
}
