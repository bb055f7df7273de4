package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"designkits/infra/launch"
	"designkits/shared/fault"
)

// A Client asks a running supervisor.
type Client struct{ *fault.Client }

// Dial returns a client of the supervisor behind the socket.
func Dial(socket string) Client { return Client{fault.Dial(socket)} }

// A Start is one start under way.
type Start struct {
	client  Client
	session string
	answer  io.Closer
	lines   *json.Decoder
	hold    bool
}

// Start asks for backends or a case. A held start lasts until Release or the
// end of ctx, and then what it has started is stopped; drop also removes what
// the case has stored.
func (c Client) Start(ctx context.Context, r launch.Request, hold, drop bool) (*Start, error) {
	resp, err := c.Do(ctx, http.MethodPost, "start", startRequest{Request: r, Hold: hold, Drop: drop})
	if err != nil {
		return nil, err
	}
	s := &Start{client: c, answer: resp.Body, lines: json.NewDecoder(resp.Body), hold: hold}
	var first line
	if err := s.lines.Decode(&first); err != nil {
		return nil, errors.Join(fmt.Errorf("start: %w", err), resp.Body.Close())
	}
	s.session = first.Session
	return s, nil
}

// AwaitUp passes events on until all that was asked for is up.
func (s *Start) AwaitUp(tell func(launch.Event)) (launch.Result, error) {
	for {
		var l line
		if err := s.lines.Decode(&l); err != nil {
			return launch.Result{}, fmt.Errorf("start: the kit that runs things has ended: %w", err)
		}
		switch {
		case l.Event != nil:
			tell(*l.Event)
		case l.Failure != nil:
			return launch.Result{}, l.Failure
		case l.Result != nil:
			return *l.Result, nil
		}
	}
}

// AwaitEnd passes events on until a held start has been let go of and all of
// it has stopped.
func (s *Start) AwaitEnd(tell func(launch.Event)) error {
	var failed error
	for {
		var l line
		if err := s.lines.Decode(&l); err != nil {
			return errors.Join(failed, fmt.Errorf("the kit that runs things has ended: %w", err))
		}
		switch {
		case l.Event != nil:
			tell(*l.Event)
		case l.Failure != nil:
			failed = l.Failure
		case l.Ended:
			return failed
		}
	}
}

// Release lets a held start go; now kills what hasn't stopped yet.
func (s *Start) Release(ctx context.Context, now bool) error {
	return s.client.post(ctx, "release", releaseRequest{Session: s.session, Now: now}, nil)
}

// Close ends the connection, which lets go of what is held.
func (s *Start) Close() error { return s.answer.Close() }

// Stop stops the named ones, or everything and the supervisor.
func (c Client) Stop(ctx context.Context, names ...string) error {
	return c.post(ctx, "stop", stopRequest{Names: names}, nil)
}

// Seeded notes that the case's sample data is in.
func (c Client) Seeded(ctx context.Context, caseName string) error {
	return c.post(ctx, "seeded", seededRequest{Case: caseName}, nil)
}

// WipeBackend removes all that a stopped backend has stored, and says what.
func (c Client) WipeBackend(ctx context.Context, name string) (string, error) {
	var a resetAnswer
	err := c.post(ctx, "reset", resetRequest{Backend: name}, &a)
	return a.Done, err
}

// DropCase removes all that a case has stored, and says so.
func (c Client) DropCase(ctx context.Context, name string) (string, error) {
	var a resetAnswer
	err := c.post(ctx, "reset", resetRequest{Case: name}, &a)
	return a.Done, err
}

func (c Client) post(ctx context.Context, what string, in, out any) error {
	resp, err := c.Do(ctx, http.MethodPost, what, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	return json.NewDecoder(resp.Body).Decode(out)
}
