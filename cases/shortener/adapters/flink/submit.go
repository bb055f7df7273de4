package flink

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// A Refused is a job that can't be started without breaking the promise that
// each click is counted once. A person has to decide.
type Refused struct {
	Job    string
	Reason string
}

func (r *Refused) Error() string {
	return fmt.Sprintf("start the stream job %s: %s. To begin anew with empty counts: "+
		"go run ./infra/kit down shortener && go run ./infra/kit reset shortener", r.Job, r.Reason)
}

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
		if err := p.mayBegin(ctx); err != nil {
			return err
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
			first, _, _ := strings.Cut(statement, "\n")
			return fmt.Errorf("submit the stream job, statement %q: %w", first, err)
		}
	}
	p.cfg.Log.Info("stream job submitted", "job", id, "from", from.path)
	return nil
}

// mayBegin reports why the job must not begin with the click log's first record.
func (p *Pipeline) mayBegin(ctx context.Context) error {
	others, err := filepath.Glob(filepath.Join(filepath.Dir(p.cfg.checkpointDir()), "*", "*", "chk-*", "_metadata"))
	if err != nil {
		return fmt.Errorf("look for checkpoints of another SQL: %w", err)
	}
	if len(others) > 0 {
		return &Refused{Job: p.cfg.JobName(), Reason: "its SQL has changed, and the state in " + filepath.Dir(others[0]) +
			" does not fit it any more. Either put clicks.sql back as it was, or lose what was counted"}
	}
	counted, err := p.cfg.Counted(ctx)
	if err != nil {
		return err
	}
	if counted {
		return &Refused{Job: p.cfg.JobName(), Reason: "clicks were counted before, and the checkpoint that says how far is not below " +
			p.cfg.checkpointDir() + " any more; starting from the beginning would count them again"}
	}
	return nil
}
