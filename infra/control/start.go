package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"designkits/infra/launch"
)

// start launches what is asked for and tells of everything that happens
// meanwhile. A client that goes away during the launch has called it off.
func (s *Server) start(w http.ResponseWriter, r *http.Request) {
	var req startRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&req); err != nil {
		refuse(w, http.StatusBadRequest, fmt.Errorf("start: %w", err))
		return
	}
	id, held := s.open()
	defer s.forget(id)
	events, stopListening := s.launcher.Listen()
	defer stopListening()
	out := &stream{json.NewEncoder(w), http.NewResponseController(w)}
	out.send(line{Session: id})

	// The session ends when it is released and when the client goes away.
	ctx, letGo := context.WithCancel(r.Context())
	defer letGo()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		select {
		case <-held.release:
			letGo()
		case <-ctx.Done():
		}
	}()
	defer func() { letGo(); <-gone }()

	var result launch.Result
	err := out.during(events, func() (err error) {
		result, err = s.launcher.Launch(ctx, req.Request)
		return err
	})
	if err != nil {
		out.send(line{Failure: failure(err)})
		return
	}
	out.send(line{Result: &result})
	if !req.Hold {
		return
	}
	_ = out.during(events, func() error { <-ctx.Done(); return nil })
	stopping, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	err = out.during(events, func() error {
		ended := make(chan struct{})
		killed := make(chan struct{})
		go func() {
			defer close(killed)
			select {
			case <-held.now:
				cancel()
			case <-ended:
			}
		}()
		err := s.launcher.Release(stopping, req.Request, result, req.Drop)
		close(ended)
		<-killed
		return err
	})
	if err != nil {
		out.send(line{Failure: failure(err)})
	}
	out.send(line{Ended: true})
}

// A stream writes lines to a client. One that has gone away is written to in
// vain, which is no error.
type stream struct {
	enc   *json.Encoder
	flush *http.ResponseController
}

func (out *stream) send(l line) {
	_ = out.enc.Encode(l)
	_ = out.flush.Flush()
}

// during passes events on while work runs, and those that it has left behind.
func (out *stream) during(events <-chan launch.Event, work func() error) error {
	done := make(chan error, 1)
	go func() { done <- work() }()
	for {
		select {
		case e := <-events:
			out.send(line{Event: &e})
		case err := <-done:
			for {
				select {
				case e := <-events:
					out.send(line{Event: &e})
				default:
					return err
				}
			}
		}
	}
}
