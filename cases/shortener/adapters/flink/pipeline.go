// Package flink runs the stream job that counts clicks. The job is the SQL in
// clicks.sql, sent to Flink's SQL gateway; this package submits it, watches it
// over the JobManager's REST interface, and submits it again when it is gone.
//
// It guarantees that each click is counted once whatever restarts: a job that
// is gone is restored from its very newest completed checkpoint, and where
// that can't be found or doesn't fit the SQL any more, nothing is started.
// For this there must be one process that submits in a namespace.
package flink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"designkits/cases/shortener/clicks"
)

// A Config says which job and where.
type Config struct {
	Namespace string
	// Gateway and REST are the base URLs of the SQL gateway and the JobManager.
	Gateway, REST string
	// Brokers is Kafka's address as Flink reaches it.
	Brokers string
	// ClicksTopic and IncrementsTopic must exist before Run.
	ClicksTopic, IncrementsTopic string
	// Checkpoints is a folder that Flink's processes and this one share.
	Checkpoints string
	// CheckpointEvery is how often counts are committed; default every half second.
	CheckpointEvery time.Duration
	// Counted reports whether the increments topic holds any committed record.
	// Where it does and no checkpoint is left, a new job would count all again.
	Counted func(ctx context.Context) (bool, error)
	Log     *slog.Logger
}

// JobName is the job's name in Flink. The SQL is part of it, so that a job of
// an earlier SQL which still runs is not taken for this one.
func (c Config) JobName() string { return c.Namespace + ".clicks-" + fingerprint(clicksSQL) }

// Group is the consumer group in which the job notes how far it has counted.
func (c Config) Group() string { return c.Namespace + ".clicks.flink" }

// checkpointDir is where the job's checkpoints go. The SQL is part of the path:
// Flink would hand one job's state to another whose tasks are merely connected
// alike.
func (c Config) checkpointDir() string {
	return filepath.Join(c.Checkpoints, c.Namespace, fingerprint(clicksSQL))
}

// uri is a path as Flink reads it.
func uri(path string) string { return (&url.URL{Scheme: "file", Path: path}).String() }

// A Pipeline is the watched job.
type Pipeline struct {
	cfg     Config
	gateway rest
	jobs    rest

	mu        sync.Mutex
	state     clicks.Pipeline
	cleanedUp string // the job after whose first checkpoint the others' were removed
}

// New returns the pipeline. It does no I/O.
func New(c Config) (*Pipeline, error) {
	dir, err := filepath.Abs(c.Checkpoints)
	if err != nil {
		return nil, fmt.Errorf("find the checkpoint folder %q: %w", c.Checkpoints, err)
	}
	c.Checkpoints = dir
	if c.CheckpointEvery == 0 {
		c.CheckpointEvery = checkpointEvery
	}
	if _, err := statements(c); err != nil {
		return nil, err
	}
	return &Pipeline{
		cfg:     c,
		gateway: newREST("Flink's SQL gateway", c.Gateway),
		jobs:    newREST("Flink's JobManager", c.REST),
		state:   clicks.Pipeline{Job: clicks.JobAway, Reason: unasked, Since: time.Now().UTC()},
	}, nil
}

// unasked is the reason before the first look.
const unasked = "not asked yet"

// State returns what is known of the job: the fields that are about it.
func (p *Pipeline) State() clicks.Pipeline {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// watchEvery is how often the JobManager is asked, and how soon a job that is
// gone is noticed.
const watchEvery = time.Second

// Run keeps the job running until ctx ends; the job itself then runs on. All
// failures end up in State and are tried again.
func (p *Pipeline) Run(ctx context.Context) error {
	defer p.gateway.close()
	defer p.jobs.close()
	wait := watchEvery
	for {
		if p.step(ctx) {
			wait = watchEvery
		} else {
			wait = min(wait*3/2, 5*time.Second)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// step looks at the job once and starts it where it is missing. It reports
// whether all is as it should be.
func (p *Pipeline) step(ctx context.Context) bool {
	job, err := p.find(ctx)
	switch {
	case ctx.Err() != nil:
		return true
	case err != nil:
		p.becomes(clicks.JobAway, err.Error())
		return false
	case job != nil:
		return p.watch(ctx, job)
	}
	err = p.submit(ctx)
	var refused *Refused
	switch {
	case ctx.Err() != nil:
		return true
	case errors.As(err, &refused):
		p.becomes(clicks.JobRefused, err.Error())
		return false
	case err != nil:
		p.becomes(clicks.JobAway, err.Error())
		return false
	}
	p.mu.Lock()
	p.state.Restarts++
	p.mu.Unlock()
	p.becomes(clicks.JobStarting, "submitted")
	return true
}

// becomes notes the state, and logs it where it changed.
func (p *Pipeline) becomes(state clicks.JobState, reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state.Job != state || p.state.Reason == unasked {
		p.state.Since = time.Now().UTC()
		level := slog.LevelInfo
		if state == clicks.JobRefused {
			level = slog.LevelError
		}
		p.cfg.Log.Log(context.Background(), level, "stream job", "state", string(state), "was", string(p.state.Job), "reason", reason)
	}
	p.state.Job, p.state.Reason = state, reason
}

type job struct {
	ID    string `json:"jid"`
	Name  string `json:"name"`
	State string `json:"state"`
	Start int64  `json:"start-time"`
}

// find returns the job when it is there and not at its end. Should there be
// two, the later one is cancelled.
func (p *Pipeline) find(ctx context.Context) (*job, error) {
	var overview struct {
		Jobs []job `json:"jobs"`
	}
	if err := p.jobs.call(ctx, http.MethodGet, "/jobs/overview", nil, &overview); err != nil {
		return nil, err
	}
	ended := []string{"FAILED", "CANCELED", "FINISHED", "SUSPENDED"}
	ours := slices.DeleteFunc(overview.Jobs, func(j job) bool {
		return j.Name != p.cfg.JobName() || slices.Contains(ended, j.State)
	})
	if len(ours) == 0 {
		return nil, nil
	}
	slices.SortFunc(ours, func(a, b job) int { return int(a.Start - b.Start) })
	for _, extra := range ours[1:] {
		p.cfg.Log.Error("the stream job runs twice, cancelling the later one", "job", extra.ID)
		if err := p.jobs.call(ctx, http.MethodPatch, "/jobs/"+extra.ID+"?mode=cancel", nil, nil); err != nil {
			return nil, fmt.Errorf("cancel the second job %s: %w", extra.ID, err)
		}
	}
	return &ours[0], nil
}

// watch notes how the job is doing.
func (p *Pipeline) watch(ctx context.Context, j *job) bool {
	if j.State != "RUNNING" {
		p.becomes(clicks.JobStarting, "Flink says "+j.State+p.why(ctx, j))
		return true
	}
	var checkpoints struct {
		Latest struct {
			Completed *struct {
				Acknowledged int64 `json:"latest_ack_timestamp"` // ms since 1970
				Duration     int64 `json:"end_to_end_duration"`  // ms
			} `json:"completed"`
		} `json:"latest"`
	}
	if err := p.jobs.call(ctx, http.MethodGet, "/jobs/"+j.ID+"/checkpoints", nil, &checkpoints); err != nil {
		if ctx.Err() != nil {
			return true
		}
		p.becomes(clicks.JobAway, err.Error())
		return false
	}
	completed := checkpoints.Latest.Completed
	if completed == nil {
		// Until the first checkpoint nothing that it counts can be seen.
		p.becomes(clicks.JobStarting, "waits for its first checkpoint")
		return true
	}
	p.mu.Lock()
	p.state.Committed = time.UnixMilli(completed.Acknowledged).UTC()
	p.state.CommitTook = completed.Duration
	clean := p.cleanedUp != j.ID
	p.cleanedUp = j.ID
	p.mu.Unlock()
	p.becomes(clicks.JobRunning, "")
	if clean {
		if err := dropOthers(p.cfg.checkpointDir(), j.ID); err != nil {
			p.cfg.Log.Warn("old checkpoints stay on disk", "error", err.Error())
		}
	}
	return true
}

// why returns what Flink says of a job's last failure, if there was one.
func (p *Pipeline) why(ctx context.Context, j *job) string {
	var failure struct {
		Root string `json:"root-exception"`
	}
	if err := p.jobs.call(ctx, http.MethodGet, "/jobs/"+j.ID+"/exceptions", nil, &failure); err != nil || failure.Root == "" {
		return ""
	}
	return ": " + rootCause(failure.Root)
}
