package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"designkits/shared/kafka"
)

// A Backlog looks again and again at how much is in the logs that has not been
// counted, and not been added up.
type Backlog struct {
	client *kgo.Client
	topics Topics
	group  string
	log    *slog.Logger

	unread, unapplied atomic.Int64
}

// Times of a Backlog.
const (
	backlogEvery = 2 * time.Second
	// normalAge is how old a click may be before it counts as waiting: windows
	// and checkpoints take their time even when all is well.
	normalAge = 5 * time.Second
)

// NewBacklog returns the backlog of a namespace; group is the one in which the
// stream job notes how far it has counted. It does no I/O.
func NewBacklog(brokers []string, namespace, group string, log *slog.Logger) (*Backlog, error) {
	client, err := kafka.Connect(brokers)
	if err != nil {
		return nil, err
	}
	return &Backlog{client: client, topics: TopicsOf(namespace), group: group, log: log}, nil
}

// Unread is how many clicks older than normal are not counted, and ticks among
// them; Unapplied how many increments are not added up.
func (b *Backlog) Unread() int64    { return b.unread.Load() }
func (b *Backlog) Unapplied() int64 { return b.unapplied.Load() }

// Run looks until ctx ends. While Kafka is away the figures stay as they were.
func (b *Backlog) Run(ctx context.Context) error {
	every := time.NewTicker(backlogEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-every.C:
			if err := b.look(ctx, now); err != nil && ctx.Err() == nil {
				b.log.Debug("the backlog is not known", "error", err.Error())
			}
		}
	}
}

func (b *Backlog) look(ctx context.Context, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, 5*backlogEvery)
	defer cancel()
	admin := kadm.NewClient(b.client)

	old, err := admin.ListOffsetsAfterMilli(ctx, now.Add(-normalAge).UnixMilli(), b.topics.Clicks)
	if err != nil {
		return fmt.Errorf("look for old clicks: %w", err)
	}
	unread, err := b.behind(ctx, admin, b.group, b.topics.Clicks, old)
	if err != nil {
		return err
	}
	b.unread.Store(unread)

	source, err := topicID(ctx, b.client, b.topics.Increments)
	if err != nil {
		return err
	}
	stable, err := admin.ListCommittedOffsets(ctx, b.topics.Increments)
	if err != nil {
		return fmt.Errorf("look for committed increments: %w", err)
	}
	unapplied, err := b.behind(ctx, admin, groupOf(b.topics, source), b.topics.Increments, stable)
	if err != nil {
		return err
	}
	b.unapplied.Store(unapplied)
	return nil
}

// behind sums up how far a group is behind the given ends of a topic.
func (b *Backlog) behind(ctx context.Context, admin *kadm.Client, group, topic string, ends kadm.ListedOffsets) (int64, error) {
	committed, err := admin.FetchOffsets(ctx, group)
	if err != nil {
		return 0, fmt.Errorf("look for the offsets of %s: %w", group, err)
	}
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return 0, fmt.Errorf("look for the start of %s: %w", topic, err)
	}
	var sum int64
	ends.Each(func(end kadm.ListedOffset) {
		from := int64(0)
		if start, ok := starts.Lookup(topic, end.Partition); ok {
			from = start.Offset
		}
		if at, ok := committed.Lookup(topic, end.Partition); ok && at.At > from {
			from = at.At
		}
		sum += max(0, end.Offset-from)
	})
	return sum, nil
}

// Ping asks the brokers for an answer.
func (b *Backlog) Ping(ctx context.Context) error { return kafka.Ping(ctx, b.client) }

// Close ends the connections.
func (b *Backlog) Close(context.Context) error {
	b.client.Close()
	return nil
}
