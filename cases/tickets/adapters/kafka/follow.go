package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"designkits/cases/tickets/saga"
	"designkits/shared/kafka"
	"designkits/shared/pause"
)

const (
	// perPoll bounds what is handled before it is committed, and so what comes
	// again after a crash.
	perPoll = 500
	// atOnce is how many orders' events are handled at a time.
	atOnce = 32
)

// Follow implements saga.Log.
func (l *Log) Follow(ctx context.Context, group string, handle func(context.Context, saga.Event) error) error {
	failing := false
	for ctx.Err() == nil {
		err := l.follow(ctx, group, handle, func() { failing = false })
		if err != nil && ctx.Err() == nil && !failing {
			l.log.Warn("events are not read for now", "group", group, "error", err.Error())
		}
		failing = err != nil
		pause.For(ctx, 500*time.Millisecond)
	}
	return nil
}

// follow reads until something fails; healthy is called after each round that
// did not.
func (l *Log) follow(ctx context.Context, group string, handle func(context.Context, saga.Event) error, healthy func()) error {
	if err := l.ensure(ctx); err != nil {
		return err
	}
	client, err := kafka.Connect(l.brokers,
		kgo.ConsumeTopics(l.topic),
		kgo.ConsumerGroup(l.topic+"."+group),
		kgo.InstanceID(l.member),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.FetchMaxWait(250*time.Millisecond),
	)
	if err != nil {
		return err
	}
	defer client.CloseAllowingRebalance()
	for ctx.Err() == nil {
		fetches := client.PollRecords(ctx, perPoll)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("kafka: read %s: %w", l.topic, err)
		}
		records := fetches.Records()
		if err := l.handle(ctx, records, handle); err != nil {
			return err
		}
		if len(records) > 0 {
			// Also when it is to stop: what was handled need not come again.
			commit, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			err := client.CommitRecords(commit, records...)
			cancel()
			if err != nil {
				return fmt.Errorf("kafka: commit what was read of %s: %w", l.topic, err)
			}
		}
		client.AllowRebalance()
		healthy()
	}
	return nil
}

// handle handles the events of each order in order, and many orders at a time.
func (l *Log) handle(ctx context.Context, records []*kgo.Record, handle func(context.Context, saga.Event) error) error {
	var orders []string
	events := map[string][]saga.Event{}
	for _, record := range records {
		var e saga.Event
		if err := json.Unmarshal(record.Value, &e); err != nil || e.Schema != 1 {
			// Not ours, or of a later version: waiting would hold up everything behind it.
			l.log.Error("an event was left out", "partition", record.Partition, "offset", record.Offset, "error", fmt.Sprint(err))
			continue
		}
		key := string(record.Key)
		if events[key] == nil {
			orders = append(orders, key)
		}
		events[key] = append(events[key], e)
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(atOnce)
	for _, order := range orders {
		work.Go(func() error {
			for _, e := range events[order] {
				if err := l.insist(ctx, e, handle); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return work.Wait()
}

// insist calls handle until it succeeds or ctx ends.
func (l *Log) insist(ctx context.Context, e saga.Event, handle func(context.Context, saga.Event) error) error {
	for tries, wait := 0, 100*time.Millisecond; ; tries, wait = tries+1, min(2*wait, 2*time.Second) {
		err := handle(ctx, e)
		if err == nil {
			return nil
		}
		if tries == 0 && ctx.Err() == nil {
			l.log.Warn("an event waits to be handled", "order", e.Order, "state", e.State, "error", err.Error())
		}
		if !pause.For(ctx, wait) {
			return ctx.Err()
		}
	}
}
