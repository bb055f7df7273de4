package redis

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Together sends the commands of many callers in one round trip: what comes
// while a batch is under way makes up the next. A command that comes alone goes
// at once, alone; under load a system call that would carry one command carries
// dozens, here and in Redis.
//
// The driver has the like (AutoPipeline), but there a command that waits doesn't
// end with its context, and these must: a redirect doesn't wait for a slow cache.
type together struct {
	redis    *redis.Client
	calls    chan call
	closing  chan struct{}
	batchers sync.WaitGroup
}

// A call is a command and where its end is told. Nobody but the batcher touches
// the command before.
type call struct {
	ctx     context.Context
	command redis.Cmder
	done    chan struct{}
}

const (
	batchers = 2   // batches under way at once, each on a connection of its own
	maxBatch = 256 // commands in one
	// batchWithin bounds a batch none of whose callers has a deadline.
	batchWithin = time.Second
)

func startTogether(client *redis.Client) *together {
	t := &together{redis: client, calls: make(chan call), closing: make(chan struct{})}
	for range batchers {
		t.batchers.Go(t.run)
	}
	return t
}

// close ends the batchers; calls from then on fail.
func (t *together) close() {
	close(t.closing)
	t.batchers.Wait()
}

// do carries the command out and returns its error, or the context's if that
// ends earlier. Then the command must not be looked at.
func (t *together) do(ctx context.Context, command redis.Cmder) error {
	c := call{ctx: ctx, command: command, done: make(chan struct{})}
	select {
	case t.calls <- c:
	case <-ctx.Done():
		return ctx.Err()
	case <-t.closing:
		return redis.ErrClosed
	}
	select {
	case <-c.done:
		return command.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run sends one batch after the other.
func (t *together) run() {
	batch := make([]call, 0, maxBatch)
	for {
		batch = batch[:0]
		select {
		case c := <-t.calls:
			batch = append(batch, c)
		case <-t.closing:
			return
		}
		for more := true; more && len(batch) < maxBatch; {
			select {
			case c := <-t.calls:
				batch = append(batch, c)
			default:
				more = false
			}
		}
		t.send(batch)
	}
}

// send makes the round trip. It goes on as long as one of the callers waits.
func (t *together) send(batch []call) {
	end := time.Time{}
	for _, c := range batch {
		deadline, ok := c.ctx.Deadline()
		if !ok {
			deadline = time.Now().Add(batchWithin)
		}
		if deadline.After(end) {
			end = deadline
		}
	}
	ctx, cancel := context.WithDeadline(context.Background(), end)
	defer cancel()
	pipe := t.redis.Pipeline()
	for _, c := range batch {
		_ = pipe.Process(ctx, c.command) // it is only queued
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	for _, c := range batch {
		close(c.done)
	}
}
