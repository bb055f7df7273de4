package flink

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// A Refused is a job that can't be started without breaking the promise that
// each click is counted once. A person has to decide.
type Refused struct {
	Job    string
	Reason string
	Cause  error
}

func (r *Refused) Error() string {
	text := fmt.Sprintf("start the stream job %s: %s. To begin anew with empty counts: "+
		"go run ./infra/kit down shortener && go run ./infra/kit reset shortener", r.Job, r.Reason)
	if r.Cause != nil {
		text += " (" + r.Cause.Error() + ")"
	}
	return text
}

func (r *Refused) Unwrap() error { return r.Cause }

// submitWithin is how long the gateway may take for all statements. The first
// of a gateway's life loads the planner.
const submitWithin = 90 * time.Second

// submit starts the job from the newest checkpoint, or from the beginning of
// the click log where nothing was counted yet.
func (p *Pipeline) submit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, submitWithin)
	defer cancel()
	from, restored, err := newestCheckpoint(p.cfg.checkpointDir())
	if err != nil {
		return err
	}
	if !restored {
		counted, err := p.cfg.Counted(ctx)
		if err != nil {
			return err
		}
		if counted {
			return &Refused{Job: p.cfg.JobName(), Reason: "clicks were counted before, and the checkpoint that says how far is not below " +
				p.cfg.checkpointDir() + " any more; starting from the beginning would count them again"}
		}
	}
	all, err := statements(p.cfg)
	if err != nil {
		return err
	}
	s, err := openSession(ctx, p.gateway, options(p.cfg, from.path))
	if err != nil {
		return err
	}
	defer s.close(ctx)
	var id string
	for _, statement := range all {
		if id, err = s.execute(ctx, statement); err != nil {
			return p.explain(err, statement, from)
		}
	}
	p.cfg.Log.Info("stream job submitted", "job", id, "from", from.path)
	return nil
}

// explain tells a checkpoint that doesn't fit the SQL from everything else.
func (p *Pipeline) explain(err error, statement string, from checkpoint) error {
	if from.path != "" && (said(err, "Failed to rollback to checkpoint/savepoint") || said(err, "Cannot map checkpoint/savepoint state")) {
		return &Refused{Job: p.cfg.JobName(), Cause: err, Reason: "its SQL has changed and the state in " + from.path +
			" does not fit it any more; either put clicks.sql back as it was"}
	}
	first, _, _ := strings.Cut(statement, "\n")
	return fmt.Errorf("submit the stream job, statement %q: %w", first, err)
}
