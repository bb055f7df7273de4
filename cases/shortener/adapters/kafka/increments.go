package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/clicks"
	"designkits/shared/kafka"
	"designkits/shared/pause"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Increments reads what the stream job has counted: only what it has committed,
// in order, and again from the last commit after a crash. Whoever handles them
// makes that once by their Position.
type Increments struct {
	brokers []string
	topics  Topics
	log     *slog.Logger
	level   kgo.IsolationLevel

	refused atomic.Int64
}

// NewIncrements returns the increments of a namespace. It does no I/O.
func NewIncrements(brokers []string, namespace string, log *slog.Logger) *Increments {
	return &Increments{brokers: brokers, topics: TopicsOf(namespace), log: log, level: kgo.ReadCommitted()}
}

// Uncommitted reads what the stream job has written at once, and so also what it
// takes back after a fault: what reading only committed increments is measured beside.
func (in *Increments) Uncommitted() *Increments {
	return &Increments{brokers: in.brokers, topics: in.topics, log: in.log, level: kgo.ReadUncommitted()}
}

// perApply bounds what is handled at once, and so what is repeated after a crash.
const perApply = 500

// Follow calls apply with the increments of one partition at a time, in order,
// and commits their offsets once it has returned nil. Should apply fail, it is
// called again with the same ones after a pause, for as long as it takes.
// Follow returns nil when ctx ends.
func (in *Increments) Follow(ctx context.Context, apply func(context.Context, []clicks.Positioned) error) error {
	failing := false
	for ctx.Err() == nil {
		err := in.follow(ctx, apply, func() {
			if failing {
				in.log.Info("increments are read again")
			}
			failing = false
		})
		if err == nil || ctx.Err() != nil {
			continue
		}
		if !failing {
			in.log.Warn("increments are not read for now", "error", err.Error())
		}
		failing = true
		pause.For(ctx, time.Second)
	}
	return nil
}

// follow reads until something fails; healthy is called after each round that
// did not.
func (in *Increments) follow(ctx context.Context, apply func(context.Context, []clicks.Positioned) error, healthy func()) error {
	source, err := in.source(ctx)
	if err != nil {
		return err
	}
	client, err := kafka.Connect(in.brokers,
		kgo.ConsumeTopics(in.topics.Increments),
		kgo.ConsumerGroup(groupOf(in.topics, source)),
		// A name of its own lets a process that was killed take its place again at
		// once, where the group would wait 45 s for the dead one.
		kgo.InstanceID("analytics"),
		kgo.FetchIsolationLevel(in.level),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		// The markers that end transactions are read to be committed too: else
		// what is behind the last increment would look like a backlog.
		kgo.KeepControlRecords(),
		kgo.KeepRetryableFetchErrors(), // see failed
		kgo.BlockRebalanceOnPoll(),
		kgo.FetchMaxWait(250*time.Millisecond),
	)
	if err != nil {
		return err
	}
	defer client.CloseAllowingRebalance()
	for ctx.Err() == nil {
		fetches := client.PollRecords(ctx, 4*perApply)
		if err := fetches.Err0(); err != nil {
			return fmt.Errorf("read %s: %w", in.topics.Increments, err)
		}
		var unhandled error
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if unhandled == nil && len(p.Records) > 0 {
				unhandled = in.handle(ctx, client, source, p.Records, apply)
			}
		})
		client.AllowRebalance()
		if unhandled != nil {
			return unhandled
		}
		if err := failed(fetches); err != nil {
			return err
		}
		healthy()
	}
	return nil
}

// handle applies the records of one partition and commits them.
func (in *Increments) handle(ctx context.Context, client *kgo.Client, source string, records []*kgo.Record, apply func(context.Context, []clicks.Positioned) error) error {
	for len(records) > 0 {
		n := min(len(records), perApply)
		batch := make([]clicks.Positioned, 0, n)
		for _, record := range records[:n] {
			if record.Attrs.IsControl() {
				continue
			}
			increment, err := decode(record)
			if err != nil {
				// Not ours, or of a later version: it can't be counted, and
				// waiting would hold up everything behind it.
				in.refused.Add(1)
				in.log.Error("an increment was left out", "error", err.Error())
				continue
			}
			batch = append(batch, clicks.Positioned{Increment: increment, Position: clicks.Position{
				Source: source + ":" + strconv.Itoa(int(record.Partition)), Offset: record.Offset,
			}})
		}
		if err := in.insist(ctx, batch, apply); err != nil {
			return err
		}
		commit, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := client.CommitRecords(commit, records[:n]...)
		cancel()
		if err != nil {
			return fmt.Errorf("commit offset %d of %s: %w", records[n-1].Offset, in.topics.Increments, err)
		}
		records = records[n:]
	}
	return nil
}

// insist calls apply until it succeeds or ctx ends.
func (in *Increments) insist(ctx context.Context, batch []clicks.Positioned, apply func(context.Context, []clicks.Positioned) error) error {
	if len(batch) == 0 {
		return nil
	}
	for tries, wait := 0, 100*time.Millisecond; ; tries, wait = tries+1, min(2*wait, 2*time.Second) {
		err := apply(ctx, batch)
		if err == nil {
			return nil
		}
		if tries == 0 && ctx.Err() == nil {
			in.log.Warn("increments wait to be applied", "count", len(batch), "error", err.Error())
		}
		if !pause.For(ctx, wait) {
			return ctx.Err()
		}
	}
}

// decode reads what the stream job's sink table writes.
func decode(record *kgo.Record) (clicks.Increment, error) {
	var row struct {
		Code      shortener.Code   `json:"code"`
		Minute    time.Time        `json:"minute"`
		Dimension clicks.Dimension `json:"dimension"`
		Value     string           `json:"value"`
		clicks.Counts
	}
	if err := json.Unmarshal(record.Value, &row); err != nil {
		return clicks.Increment{}, fmt.Errorf("decode offset %d of partition %d: %w", record.Offset, record.Partition, err)
	}
	if row.Code == "" || row.Dimension == "" || row.Minute.IsZero() {
		return clicks.Increment{}, fmt.Errorf("decode offset %d of partition %d: no code, dimension or minute in %.200s", record.Offset, record.Partition, record.Value)
	}
	return clicks.Increment{Code: row.Code, Minute: row.Minute.UTC(), Dimension: row.Dimension, Value: row.Value, Counts: row.Counts}, nil
}

// source returns the topic's id, which a later topic of the same name does not
// share, so that positions in the two can't be mistaken for each other.
func (in *Increments) source(ctx context.Context) (string, error) {
	client, err := kafka.Connect(in.brokers)
	if err != nil {
		return "", err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := Ensure(ctx, client, in.topics); err != nil {
		return "", err
	}
	return topicID(ctx, client, in.topics.Increments)
}

func topicID(ctx context.Context, client *kgo.Client, topic string) (string, error) {
	details, err := kadm.NewClient(client).ListTopics(ctx, topic)
	if err != nil {
		return "", fmt.Errorf("look up %s: %w", topic, err)
	}
	detail, ok := details[topic]
	if !ok || detail.Err != nil {
		return "", fmt.Errorf("look up %s: %w", topic, errors.Join(errors.New("no such topic"), detail.Err))
	}
	return detail.ID.String(), nil
}

// groupOf names the consumer group. It carries the topic's id for the same
// reason: offsets of an earlier topic must not be taken for this one's.
func groupOf(topics Topics, source string) string {
	return topics.Increments + "." + source
}

// failed returns what ends the reading: above all that the topic was deleted,
// and maybe made anew, for then positions must carry another source.
func failed(fetches kgo.Fetches) error {
	for _, e := range fetches.Errors() {
		gone := errors.Is(e.Err, kerr.UnknownTopicOrPartition) || errors.Is(e.Err, kerr.UnknownTopicID) || errors.Is(e.Err, kerr.InconsistentTopicID)
		if gone || !kerr.IsRetriable(e.Err) && !kgo.IsRetryableBrokerErr(e.Err) {
			return fmt.Errorf("read %s: %w", e.Topic, e.Err)
		}
	}
	return nil
}

// Refused is how many records could not be read as increments.
func (in *Increments) Refused() int64 { return in.refused.Load() }

// Counted reports whether the topic holds any committed increment.
func (in *Increments) Counted(ctx context.Context) (bool, error) {
	source, err := in.source(ctx) // creates the topics where they are missing
	if err != nil {
		return false, err
	}
	client, err := kafka.Connect(in.brokers,
		kgo.ConsumeTopics(in.topics.Increments),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.KeepControlRecords(),
	)
	if err != nil {
		return false, err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	stable, err := admin.ListCommittedOffsets(ctx, in.topics.Increments)
	if err == nil {
		err = stable.Error()
	}
	if err != nil {
		return false, fmt.Errorf("look for the end of %s (%s): %w", in.topics.Increments, source, err)
	}
	starts, err := admin.ListStartOffsets(ctx, in.topics.Increments)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return false, fmt.Errorf("look for the start of %s (%s): %w", in.topics.Increments, source, err)
	}
	left := map[int32]int64{} // partition to the offset where its committed part ends
	stable.Each(func(o kadm.ListedOffset) {
		start, ok := starts.Lookup(o.Topic, o.Partition)
		if ok && o.Offset > start.Offset {
			left[o.Partition] = o.Offset
		}
	})
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return false, fmt.Errorf("read %s: %w", in.topics.Increments, err)
		}
		counted := false
		fetches.EachRecord(func(r *kgo.Record) {
			counted = counted || !r.Attrs.IsControl()
			if end, ok := left[r.Partition]; ok && r.Offset+1 >= end {
				delete(left, r.Partition)
			}
		})
		if counted {
			return true, nil
		}
	}
	return false, nil
}
