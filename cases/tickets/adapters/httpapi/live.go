package httpapi

import (
	"io"
	"net/http"
	"strings"
	"time"

	"designkits/cases/tickets"
)

// seats is the state of every seat, with its version as its tag.
func (s *Server) seats(w http.ResponseWriter, r *http.Request) error {
	hall, err := s.Halls.Hall(tickets.EventID(r.PathValue("event")))
	if err != nil {
		return err
	}
	version, text := hall.Seats.Whole()
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", `"`+version+`"`)
	if strings.Contains(r.Header.Get("If-None-Match"), `"`+version+`"`) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", "application/json")
	_, _ = w.Write(text) // the client may have gone
	return nil
}

// Times of a stream.
const (
	writeIn   = 5 * time.Second  // or the page is cut off
	aliveIn   = 15 * time.Second // something is sent, lest a proxy ends the stream
	retryHint = "retry: 1000\n"  // ms until a page connects again
	// mostGathered is the largest text of an event, in bytes, that is copied so that
	// it goes out with others: thousands of streams keep no copy of the whole.
	mostGathered = 1 << 10
)

// live is the stream of a hall's seats, as server-sent events: first "seats",
// the whole, unless Last-Event-ID is a version that this replica can go on from;
// then a "delta" a version. A page that takes nothing for writeIn is cut off.
func (s *Server) live(w http.ResponseWriter, r *http.Request) error {
	hall, err := s.Halls.Hall(tickets.EventID(r.PathValue("event")))
	if err != nil {
		return err
	}
	select {
	case s.watching <- struct{}{}:
		defer func() { <-s.watching }()
	default:
		return errWatchers
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // a proxy must pass each event on at once
	out := &stream{w: w, control: http.NewResponseController(w)}
	seen := r.Header.Get("Last-Event-ID")
	alive := time.NewTicker(aliveIn)
	defer alive.Stop()
	if out.begin(); out.text(retryHint) != nil {
		return nil
	}
	for {
		deltas, more, ok := hall.Seats.Since(seen)
		out.begin()
		if !ok {
			version, text := hall.Seats.Whole()
			out.event("seats", version, text)
			seen = version
		}
		for _, d := range deltas {
			out.event("delta", d.Version, d.JSON)
			seen = d.Version
		}
		if out.flush() != nil {
			return nil // the page has gone, or is too slow
		}
		if !ok {
			continue
		}
		select {
		case <-more:
		case <-alive.C:
			if out.begin(); out.text(": alive\n\n") != nil {
				return nil
			}
		case <-hall.Gone():
			return nil // the page connects again and finds the event where it is now
		case <-s.Draining:
			return nil
		case <-r.Context().Done():
			return nil
		}
	}
}

// A stream gathers events and writes them at once. What fails makes all that
// follows fail too.
type stream struct {
	w       io.Writer
	control *http.ResponseController
	waiting []byte
	err     error
}

// begin bounds what is written until the next begin.
func (o *stream) begin() {
	if o.err == nil {
		o.err = o.control.SetWriteDeadline(time.Now().Add(writeIn))
	}
}

func (o *stream) event(name, id string, data []byte) {
	for _, part := range []string{"event: ", name, "\nid: ", id, "\ndata: "} {
		o.waiting = append(o.waiting, part...)
	}
	if len(data) <= mostGathered {
		o.waiting = append(o.waiting, data...)
	} else if o.write(); o.err == nil {
		_, o.err = o.w.Write(data)
	}
	o.waiting = append(o.waiting, "\n\n"...)
}

func (o *stream) text(text string) error {
	o.waiting = append(o.waiting, text...)
	return o.flush()
}

// write writes what waits.
func (o *stream) write() {
	if o.err == nil && len(o.waiting) > 0 {
		_, o.err = o.w.Write(o.waiting)
	}
	o.waiting = o.waiting[:0]
}

func (o *stream) flush() error {
	if o.write(); o.err == nil {
		o.err = o.control.Flush()
	}
	return o.err
}
