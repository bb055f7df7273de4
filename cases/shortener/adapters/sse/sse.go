// Package sse serves what the analytics process knows to pages: the clicks of
// a link as they are counted, as server-sent events, and how the pipeline is
// doing.
//
// A stream is of the moment. It has no event ids and replays nothing: a page
// reads the counts when it connects, and again soon after an update. A page
// that doesn't read fast enough is told to connect again, then cut off.
package sse

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/clicks"
	"designkits/shared/problem"
)

// Times of a stream.
const (
	mergeEvery = 250 * time.Millisecond // updates in between are one
	stateEvery = 2 * time.Second        // the pipeline's state, and a sign of life
	writeIn    = 5 * time.Second        // or the page is cut off
)

// A Server serves the analytics API.
type Server struct {
	Live *clicks.Live
	// State returns how the pipeline is doing. It must not wait.
	State func() clicks.Pipeline
	// Draining is closed when the process begins to stop: streams end.
	Draining <-chan struct{}
}

// Handler returns the routes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/links/{code}/live", s.live)
	mux.HandleFunc("GET /api/pipeline", s.pipeline)
	return mux
}

func (s *Server) pipeline(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(s.State()) // the client may have gone
}

func (s *Server) live(w http.ResponseWriter, r *http.Request) {
	watcher, err := s.Live.Watch(shortener.Code(r.PathValue("code")))
	if err != nil {
		problem.Write(w, problem.Problem{
			Type: "/problems/too-many-watchers", Title: "Too many pages are watching", Status: http.StatusServiceUnavailable,
			Detail: err.Error(), RetryAfter: 5 * time.Second,
		})
		return
	}
	defer watcher.Close()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy must pass each event on at once
	out := stream{w: w, control: http.NewResponseController(w)}

	merge, state := time.NewTicker(mergeEvery), time.NewTicker(stateEvery)
	defer merge.Stop()
	defer state.Stop()
	err = out.send("state", s.State())
	for err == nil {
		select {
		case <-r.Context().Done():
			return
		case <-s.Draining:
			_ = out.send("reconnect", "the server is stopping") // it ends either way
			return
		case <-state.C:
			err = out.send("state", s.State())
		case <-merge.C:
			updates, complete := watcher.Take()
			for _, update := range updates {
				err = errors.Join(err, out.put("increment", update))
			}
			if !complete {
				_ = out.send("reconnect", "updates were missed") // it ends either way
				return
			}
			if len(updates) > 0 && err == nil {
				err = out.flush()
			}
		}
	}
}

// A stream writes events, each within writeIn.
type stream struct {
	w       io.Writer
	control *http.ResponseController
}

func (s stream) put(event string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encode the event %s: %w", event, err)
	}
	if err := s.control.SetWriteDeadline(time.Now().Add(writeIn)); err != nil {
		return fmt.Errorf("bound the writing of %s: %w", event, err)
	}
	_, err = fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", event, text)
	return err
}

func (s stream) flush() error { return s.control.Flush() }

func (s stream) send(event string, data any) error {
	if err := s.put(event, data); err != nil {
		return err
	}
	return s.flush()
}
