package flink

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// rest is a JSON-over-HTTP service of Flink: the JobManager's or the gateway's.
type rest struct {
	name string // for errors: "the SQL gateway"
	base string // "http://127.0.0.1:8083"
	http *http.Client
}

func newREST(name, base string) rest {
	return rest{name: name, base: strings.TrimSuffix(base, "/"), http: &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second},
	}}
}

// An answer other than 2xx.
type refusal struct {
	service, method, path string
	status                int
	text                  string // what the server said, often a Java stack trace
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%s %s %s: %d: %s", r.service, r.method, r.path, r.status, rootCause(r.text))
}

// call sends in as JSON, if there is any, and decodes the answer into out.
func (s rest) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		encoded, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode the request of %s: %w", path, err)
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.http.Do(req)
	if err != nil {
		return fmt.Errorf("reach %s at %s: %w", s.name, s.base, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err != nil {
		return fmt.Errorf("read the answer of %s to %s: %w", s.name, path, err)
	}
	if resp.StatusCode/100 != 2 {
		var e struct {
			Errors []string `json:"errors"`
		}
		text := string(answer)
		if json.Unmarshal(answer, &e) == nil && len(e.Errors) > 0 {
			text = strings.Join(e.Errors, "\n")
		}
		return &refusal{s.name, method, path, resp.StatusCode, text}
	}
	if out == nil || len(answer) == 0 {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("decode the answer of %s to %s: %w", s.name, path, err)
	}
	return nil
}

func (s rest) close() { s.http.CloseIdleConnections() }

// rootCause returns the last "Caused by" of a Java stack trace, in one line.
func rootCause(trace string) string {
	cause := ""
	for line := range strings.Lines(trace) {
		line = strings.TrimSpace(line)
		if c, ok := strings.CutPrefix(line, "Caused by: "); ok {
			cause = c
		}
	}
	if cause == "" {
		cause = strings.TrimSpace(trace)
	}
	line, _, _ := strings.Cut(cause, "\n")
	return line[:min(len(line), 400)]
}

// A session is one conversation with the SQL gateway: what SET and CREATE do
// lasts as long as it does.
type session struct {
	rest
	id string
}

func openSession(ctx context.Context, gateway rest, options map[string]string) (*session, error) {
	var opened struct {
		SessionHandle string `json:"sessionHandle"`
	}
	if err := gateway.call(ctx, http.MethodPost, "/v1/sessions", map[string]any{"properties": options}, &opened); err != nil {
		return nil, fmt.Errorf("open a session: %w", err)
	}
	return &session{gateway, opened.SessionHandle}, nil
}

// close is done even when the caller's context has ended.
func (s *session) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	// The gateway drops idle sessions by itself: nothing is lost by an error.
	_ = s.call(ctx, http.MethodDelete, "/v1/sessions/"+s.id, nil, nil)
}

// execute runs one statement to its end and returns the id of the job that it
// started, if any.
func (s *session) execute(ctx context.Context, statement string) (job string, err error) {
	var started struct {
		OperationHandle string `json:"operationHandle"`
	}
	path := "/v1/sessions/" + s.id
	if err := s.call(ctx, http.MethodPost, path+"/statements", map[string]string{"statement": statement}, &started); err != nil {
		return "", err
	}
	path += "/operations/" + started.OperationHandle
	for every := time.NewTicker(50 * time.Millisecond); ; {
		var now struct {
			Status string `json:"status"`
		}
		if err := s.call(ctx, http.MethodGet, path+"/status", nil, &now); err != nil {
			every.Stop()
			return "", err
		}
		if now.Status == "FINISHED" || now.Status == "ERROR" || now.Status == "CANCELED" || now.Status == "TIMEOUT" {
			every.Stop()
			break
		}
		select {
		case <-ctx.Done():
			every.Stop()
			return "", fmt.Errorf("wait for the statement: %w", ctx.Err())
		case <-every.C:
		}
	}
	// The result of a failed statement is its error.
	var result struct {
		JobID string `json:"jobID"`
	}
	if err := s.call(ctx, http.MethodGet, path+"/result/0?rowFormat=JSON", nil, &result); err != nil {
		return "", err
	}
	return result.JobID, nil
}
