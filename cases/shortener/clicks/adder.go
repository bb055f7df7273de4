package clicks

import (
	"context"
	"sync"
)

// An IncrementLog is the durable, ordered log of what the stream job has
// counted.
type IncrementLog interface {
	// Follow calls apply with the increments of one source at a time, in order
	// and only those that the job has committed, until ctx ends. It moves on
	// once apply has returned nil, and calls it again with the same ones until
	// then. After a crash some are handed over a second time.
	Follow(ctx context.Context, apply func(context.Context, []Positioned) error) error
}

// An Adder adds increments to the counts and tells those who watch.
type Adder struct {
	store func(context.Context, []Positioned) error
	live  *Live

	mu      sync.Mutex
	applied int64
	late    int64
	problem string
}

// NewAdder returns an Adder; apply is a StatsStore's.
func NewAdder(apply func(context.Context, []Positioned) error, live *Live) *Adder {
	return &Adder{store: apply, live: live}
}

// Run follows the log until ctx ends.
func (a *Adder) Run(ctx context.Context, log IncrementLog) error { return log.Follow(ctx, a.apply) }

// apply is idempotent because the store is. Watchers may be told twice after a
// crash; they read the counts again soon after.
func (a *Adder) apply(ctx context.Context, batch []Positioned) error {
	err := a.store(ctx, batch)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.problem = err.Error()
		return err
	}
	a.problem = ""
	a.applied += int64(len(batch))
	for _, p := range batch {
		if p.Dimension == Total {
			a.late += p.Late
		}
	}
	a.live.Publish(batch)
	return nil
}

// Describe fills in the parts of a Pipeline that are about adding up.
func (a *Adder) Describe(p *Pipeline) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p.Applied, p.Late, p.Store = a.applied, a.late, a.problem
}
