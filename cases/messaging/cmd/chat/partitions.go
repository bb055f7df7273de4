package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/chatapi"
	"designkits/cases/messaging/fanout"
	"designkits/cases/messaging/operator"
	"designkits/cases/messaging/order"
)

// partitions are the ones that this process owns.
type partitions struct {
	log     messaging.Log
	history messaging.History
	rosters messaging.Rosters
	fanout  fanout.Config
	words   *slog.Logger
	metrics *metrics

	mu     sync.Mutex
	owners [messaging.Partitions]*owned
}

// An owned is a partition of this process: what gives its messages their numbers, and
// what brings them to devices.
type owned struct {
	*order.Owner
	*fanout.Fanout
}

// owner is chatapi's.
func (p *partitions) owner(of messaging.Partition) (chatapi.Owner, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.owners[of] == nil {
		return nil, messaging.ErrNotOwner
	}
	return p.owners[of], nil
}

func (p *partitions) set(of messaging.Partition, owner *owned) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.owners[of] = owner
}

// behind is how many messages are committed and not applied, by partition that is
// owned.
func (p *partitions) behind() map[messaging.Partition]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	behind := map[messaging.Partition]int{}
	for of, o := range p.owners {
		if o != nil {
			behind[messaging.Partition(of)] = o.Behind()
		}
	}
	return behind
}

// report is what the process says of itself to operators.
func (p *partitions) report(now time.Time) operator.Report {
	return operator.Report{At: now.UTC(), Chat: &operator.Lag{Behind: p.behind()}}
}

// hold owns a partition for as long as its lease holds. Should the log refuse
// while the lease still holds, it begins anew.
func (p *partitions) hold(ctx context.Context, lease messaging.Lease) {
	words := p.words.With("partition", lease.Partition(), "epoch", lease.Epoch())
	for ctx.Err() == nil {
		if err := p.own(ctx, lease.Partition(), words); err != nil && ctx.Err() == nil {
			words.Warn("the partition is owned anew", "error", err.Error())
			p.metrics.lost.Inc()
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// own owns the partition until the log refuses or ctx ends.
func (p *partitions) own(ctx context.Context, of messaging.Partition, words *slog.Logger) error {
	began := time.Now()
	log, err := p.log.Own(ctx, of)
	if err != nil {
		return err
	}
	fan := fanout.New(p.fanout)
	owner, err := order.Open(ctx, order.Config{
		Log: log, History: p.history, Rosters: p.rosters,
		Apply: p.metered(fan.Apply), Push: p.metered(fan.Push), Settle: fan.Settle,
		Refused: func(err error) { words.Warn("messages wait to be applied", "error", err.Error()) },
	})
	if err != nil {
		_ = log.Close() // the error before it says more
		return err
	}
	words.Info("owned", "after", time.Since(began).String())
	p.set(of, &owned{owner, fan})
	ran := owner.Run(ctx)
	p.set(of, nil)
	if err := owner.Close(); err != nil {
		words.Warn("the log was not closed", "error", err.Error())
	}
	return ran
}

// metered is what applies messages, with what it takes.
func (p *partitions) metered(apply func(context.Context, []messaging.Message) error) func(context.Context, []messaging.Message) error {
	return func(ctx context.Context, messages []messaging.Message) error {
		began := time.Now()
		err := apply(ctx, messages)
		p.metrics.apply(len(messages), time.Since(began), err)
		return err
	}
}
