package gateapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/room"
)

// Times of a stream.
const (
	beatEvery = 15 * time.Second // a sign of life, so that proxies keep it open
	writeIn   = 5 * time.Second  // or whoever doesn't read is cut off
)

// live is the stream of an account's place, as server-sent events:
//
//	place  where it stands, when that changes; "stale" while Redis is away
//	pass   once it is let in, and again before the last one ends
//	end    with a reason, the last one: "left", "over" (the event has begun), or
//	       "stopping" (connect again: another gate serves you)
//
// Nothing is replayed: a stream that is opened again begins with the place. A
// page that reads slowly gets the newest place only, and one that doesn't read
// at all is cut off.
func (s *Server) live(w http.ResponseWriter, r *http.Request) error {
	e, session, err := s.asks(r)
	if err != nil {
		return err
	}
	place, err := s.lookUp(r.Context(), e.ID, session.Account)
	if err != nil {
		return err
	}
	if place.Status == room.Unknown {
		return errNoPlace
	}
	watcher, err := s.Board.Watch(e.ID, session.Account, place)
	if err != nil {
		return err
	}
	defer watcher.Close()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("Connection", "close")     // its write deadline isn't another request's
	h.Set("X-Accel-Buffering", "no") // a proxy must pass each event on at once
	st := &stream{w: w, control: http.NewResponseController(w)}
	s.follow(r, st, watcher, e, session.Account)
	return nil
}

// follow writes events until there are no more to come, or to nobody.
func (s *Server) follow(r *http.Request, st *stream, watcher *room.Watcher, e tickets.Event, account tickets.Account) {
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	over := time.NewTimer(e.Starts.Sub(s.Now()))
	defer over.Stop()
	renew := time.NewTimer(0)
	renew.Stop() // until it is let in
	defer renew.Stop()
	in := false
	for {
		select {
		case <-r.Context().Done():
			return
		case <-s.Draining:
			st.send("end", ending{"stopping"})
		case <-over.C:
			st.send("end", ending{"over"})
		case <-beat.C:
			st.write(": here\n\n")
		case <-renew.C:
			s.sendPass(st, e.ID, account)
			renew.Reset(s.Passes.For / 2)
		case sight := <-watcher.Sights():
			if sight.Status == room.Unknown {
				st.send("end", ending{"left"})
				break
			}
			st.send("place", seen{standingOf(e, sight), sight.Stale})
			if !in && sight.Status == room.Admitted {
				in = true
				renew.Reset(0)
			}
		}
		if st.ended {
			return
		}
	}
}

type seen struct {
	standing
	Stale bool `json:"stale,omitempty"` // Redis is away; the place is kept
}

type ending struct {
	Reason string `json:"reason"`
}

func (s *Server) sendPass(st *stream, event tickets.EventID, account tickets.Account) {
	p, err := s.pass(event, account)
	if err != nil { // a secret always signs
		s.Log.Error("sign a pass", "error", err.Error())
		st.ended = true
		return
	}
	st.send("pass", p)
}

// A stream writes events, each within writeIn, until one can't be written or
// the end was.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	ended   bool
}

func (st *stream) send(event string, data any) {
	text, err := json.Marshal(data)
	if err != nil { // structs of strings and numbers always marshal
		st.ended = true
		return
	}
	st.write(fmt.Sprintf("event: %s\ndata: %s\n\n", event, text))
	st.ended = st.ended || event == "end"
}

func (st *stream) write(text string) {
	if st.control.SetWriteDeadline(time.Now().Add(writeIn)) != nil {
		st.ended = true
		return
	}
	_, err := st.w.Write([]byte(text))
	if err == nil {
		err = st.control.Flush()
	}
	st.ended = st.ended || err != nil
}
