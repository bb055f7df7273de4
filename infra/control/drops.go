package control

import (
	"context"
	"errors"
	"sync"
	"time"

	"designkits/shared/fault"
)

// dropWithin is how long a namespace's drop may take.
const dropWithin = time.Minute

// drops removes what namespaces hold, one after the other and behind the back of
// who asked: a test that has ended has nothing to wait for. It matters in a long
// run: hundreds of tables and topics that nobody uses fill a small server's memory.
type drops struct {
	drop    func(ctx context.Context, namespace string) error
	ctx     context.Context
	cancel  context.CancelFunc
	turn    chan struct{} // held by the one under way
	running *sync.WaitGroup
}

func newDrops(drop func(context.Context, string) error) drops {
	ctx, cancel := context.WithCancel(context.Background())
	return drops{drop: drop, ctx: ctx, cancel: cancel, turn: make(chan struct{}, 1), running: &sync.WaitGroup{}}
}

func (d drops) add(_ context.Context, r fault.Dropping) (any, error) {
	if r.Namespace == "" {
		return nil, errors.New("drop: no namespace is named")
	}
	d.running.Go(func() {
		select {
		case d.turn <- struct{}{}:
		case <-d.ctx.Done():
			return
		}
		defer func() { <-d.turn }()
		ctx, cancel := context.WithTimeout(d.ctx, dropWithin)
		defer cancel()
		_ = d.drop(ctx, r.Namespace) // what stays goes with the run's own namespace
	})
	return struct{}{}, nil
}

// end gives up what isn't dropped yet. Nothing may be added any more.
func (d drops) end() {
	d.cancel()
	d.running.Wait()
}
