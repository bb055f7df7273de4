package flink

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"designkits/infra/backend"
)

// call makes one request and decodes the answer into out, unless that is nil.
// It keeps no connection.
func call(ctx context.Context, method, url string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("flink: %s %s: %w", method, url, err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return fmt.Errorf("flink: %s %s: %w", method, url, err)
	}
	req.Close = true
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("flink: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	if err != nil {
		return fmt.Errorf("flink: %s %s: %w", method, url, err)
	}
	if resp.StatusCode >= 300 {
		return &refusal{Method: method, URL: url, Status: resp.StatusCode, Text: string(text[:min(len(text), 300)])}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("flink: %s %s: %w", method, url, err)
	}
	return nil
}

// A refusal is an answer other than a success.
type refusal struct {
	Method, URL string
	Status      int
	Text        string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("flink: %s %s: status %d: %s", r.Method, r.URL, r.Status, r.Text)
}

// ready asks for slots and opens a SQL session.
func ready(ctx context.Context, site backend.Site) error {
	if err := slotsOffered(ctx, site); err != nil {
		return err
	}
	return sessionOpens(ctx, site)
}

type overview struct {
	Slots int `json:"slots-total"`
}

func clusterAnswers(ctx context.Context, site backend.Site) error {
	return call(ctx, http.MethodGet, "http://"+site.Addr(rest)+"/overview", nil, &overview{})
}

func slotsOffered(ctx context.Context, site backend.Site) error {
	var o overview
	if err := call(ctx, http.MethodGet, "http://"+site.Addr(rest)+"/overview", nil, &o); err != nil {
		return err
	}
	if o.Slots == 0 {
		return errors.New("flink: no TaskManager has offered a slot yet")
	}
	return nil
}

func sessionOpens(ctx context.Context, site backend.Site) error {
	var session struct {
		Handle string `json:"sessionHandle"`
	}
	sessions := "http://" + site.Addr(sql) + "/v1/sessions"
	if err := call(ctx, http.MethodPost, sessions, map[string]any{}, &session); err != nil {
		return err
	}
	return call(ctx, http.MethodDelete, sessions+"/"+session.Handle, nil, nil)
}

// terminal are the states that a job doesn't leave.
var terminal = map[string]bool{"FINISHED": true, "CANCELED": true, "FAILED": true}

// drop cancels the jobs within the namespace, waits until they have ended, and
// removes their checkpoints: the folders named for the jobs and those named for
// the namespace. Where the docker engine keeps them in a volume they stay.
func drop(ctx context.Context, site backend.Site, namespace string) error {
	type job struct {
		ID    string `json:"jid"`
		Name  string `json:"name"`
		State string `json:"state"`
	}
	list := func() (ours []job, err error) {
		var all struct {
			Jobs []job `json:"jobs"`
		}
		if err := call(ctx, http.MethodGet, "http://"+site.Addr(rest)+"/jobs/overview", nil, &all); err != nil {
			return nil, err
		}
		for _, j := range all.Jobs {
			if backend.Within(j.Name, namespace) {
				ours = append(ours, j)
			}
		}
		return ours, nil
	}
	ours, err := list()
	if err != nil {
		return fmt.Errorf("drop %s: %w", namespace, err)
	}
	for _, j := range ours {
		if terminal[j.State] {
			continue
		}
		var r *refusal
		err := call(ctx, http.MethodPatch, "http://"+site.Addr(rest)+"/jobs/"+j.ID+"?mode=cancel", nil, nil)
		// It may have ended by itself meanwhile.
		if err != nil && !(errors.As(err, &r) && (r.Status == http.StatusConflict || r.Status == http.StatusNotFound)) {
			return fmt.Errorf("drop %s: cancel %s: %w", namespace, j.Name, err)
		}
	}
	if err := ended(ctx, func() (bool, error) {
		now, err := list()
		for _, j := range now {
			if !terminal[j.State] {
				return false, err
			}
		}
		return true, err
	}); err != nil {
		return fmt.Errorf("drop %s: wait for its jobs to end: %w", namespace, err)
	}

	doomed := map[string]bool{}
	for _, j := range ours {
		doomed[j.ID] = true
	}
	for _, parent := range []string{"checkpoints", "savepoints"} {
		folders, err := os.ReadDir(site.Path(parent))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("flink: drop %s: %w", namespace, err)
		}
		for _, f := range folders {
			if doomed[f.Name()] || backend.Within(f.Name(), namespace) {
				if err := os.RemoveAll(site.Path(parent, f.Name())); err != nil {
					return fmt.Errorf("flink: drop %s: %w", namespace, err)
				}
			}
		}
	}
	return nil
}

// ended asks until the answer is yes or the context ends.
func ended(ctx context.Context, ask func() (bool, error)) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if yes, err := ask(); yes || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
