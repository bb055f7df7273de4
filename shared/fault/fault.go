// Package fault injects faults into a running case: it kills, pauses, resumes
// and restarts a backend or a process by its name, through the kit's
// supervisor that runs it.
//
// It also is the wire format of that supervisor's control socket (JSON over
// HTTP over a unix socket), as far as others than the kit itself use it.
//
// A fault stays until it is undone: whoever pauses resumes, whoever kills
// restarts, best with a deferred call and a context of its own.
package fault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

// Variable names the environment variable with the control socket's path.
const Variable = "KIT_CONTROL"

// Status is what the supervisor knows of one process.
type Status struct {
	Name    string  `json:"name"`  // "redis", "flink/taskmanager", "shortener/api-1"
	Kind    string  `json:"kind"`  // "backend" or "process"
	State   string  `json:"state"` // waiting, starting, ready, paused, stopping, stopped, dead
	Address string  `json:"address,omitempty"`
	Pid     int     `json:"pid,omitempty"`
	RSS     int64   `json:"rss,omitempty"`     // bytes
	Uptime  float64 `json:"uptime,omitempty"`  // seconds
	Log     string  `json:"log,omitempty"`     // path
	Version string  `json:"version,omitempty"` // of a backend
}

// Target is the body of a request that is about one process or group: "flink"
// means all of "flink/...".
type Target struct {
	Name string `json:"name"`
}

// A Refusal is the supervisor's answer when it can't do what was asked.
type Refusal struct {
	Code   int    `json:"-"` // 404 for a name it doesn't know, 409 for one in the wrong state
	Reason string `json:"error"`
}

func (e *Refusal) Error() string { return e.Reason }

// A Client talks to one supervisor. It is safe for concurrent use.
type Client struct {
	socket string
	http   *http.Client
}

// Open connects to the supervisor that runs this test, demo or process.
func Open() (*Client, error) {
	socket := os.Getenv(Variable)
	if socket == "" {
		return nil, errors.New(Variable + " is not set: start this through the kit, for example `go run ./infra/kit test shortener`")
	}
	return Dial(socket), nil
}

// Dial returns a client of the supervisor behind a socket; nothing is sent yet.
func Dial(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
	// A connection a call: the calls are rare and nothing is left open.
	return &Client{socket, &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

// Status lists everything the supervisor runs or has run.
func (c *Client) Status(ctx context.Context) ([]Status, error) {
	var list []Status
	return list, c.call(ctx, http.MethodGet, "status", nil, &list)
}

// Kill ends the process or group with SIGKILL, and returns when it is gone.
func (c *Client) Kill(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodPost, "kill", Target{name}, nil)
}

// Pause freezes it: connections stay open and nothing answers.
func (c *Client) Pause(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodPost, "pause", Target{name}, nil)
}

// Resume lets a paused one go on.
func (c *Client) Resume(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodPost, "resume", Target{name}, nil)
}

// Restart stops it if it runs, starts it, and returns when it is ready.
func (c *Client) Restart(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodPost, "restart", Target{name}, nil)
}

// Dropping is the body of a request to drop what a namespace holds.
type Dropping struct {
	Namespace string `json:"namespace"`
}

// Drop has everything removed that the backends hold of a namespace which nobody
// uses any more. The kit does it in its own time; what it can't, since a backend is
// down, goes when the run ends.
func (c *Client) Drop(ctx context.Context, namespace string) error {
	return c.call(ctx, http.MethodPost, "drop", Dropping{namespace}, nil)
}

func (c *Client) call(ctx context.Context, method, what string, body, answer any) error {
	resp, err := c.Do(ctx, method, what, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if answer == nil {
		_, err = io.Copy(io.Discard, resp.Body)
	} else {
		err = json.NewDecoder(resp.Body).Decode(answer)
	}
	if err != nil {
		return fmt.Errorf("%s: answer of the kit at %s: %w", what, c.socket, err)
	}
	return nil
}

// Do sends one request and returns the answer if it is a good one; its body is
// the caller's to close. Other answers become a *Refusal.
func (c *Client) Do(ctx context.Context, method, what string, body any) (*http.Response, error) {
	var content bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&content).Encode(body); err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://kit/v1/"+what, &content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: ask the kit at %s: %w (is it still running?)", what, c.socket, err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	refusal := &Refusal{Code: resp.StatusCode}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(refusal); err != nil || refusal.Reason == "" {
		refusal.Reason = fmt.Sprintf("%s: the kit answered %s", what, resp.Status)
	}
	return nil, refusal
}
