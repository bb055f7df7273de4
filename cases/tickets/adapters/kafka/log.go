// Package kafka is the log of what happens to orders: one topic, keyed by the
// order, so that one order's events are read in the order in which they were
// appended.
//
// It keeps nothing in memory while Kafka is away: Append fails within its
// context's deadline, and events wait in the outbox.
package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"designkits/cases/tickets/saga"
	"designkits/shared/kafka"
)

// partitions bound how many processes can share the work of a group. Their
// number can't change: the order of one key would break.
const partitions = 8

// retention is how long a group may be away without missing an event.
const retention = 7 * 24 * time.Hour

// A Log is the saga.Log. It may be used by many goroutines; Append waits for
// another Append.
type Log struct {
	brokers  []string
	topic    string
	member   string
	log      *slog.Logger
	producer *kgo.Client

	mu      sync.Mutex
	ensured bool
}

var _ saga.Log = (*Log)(nil)

// Open returns the log of a namespace. It does no I/O: Kafka may be away.
// Member is this process's name among others: one that comes back under its name
// takes up its work at once.
//
// The producer is not idempotent on purpose: its sequence numbers would forbid
// to give up a record that is under way, so that Append could not keep its
// deadline. Events have ids instead. One request at a time and broker keeps the
// order.
func Open(brokers []string, namespace, member string, log *slog.Logger) (*Log, error) {
	producer, err := kafka.Connect(brokers,
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.DisableIdempotentWrite(),
		kgo.MaxProduceRequestsInflightPerBroker(1),
		kgo.ProducerLinger(0), // the outbox has batched already
	)
	if err != nil {
		return nil, err
	}
	return &Log{brokers: brokers, topic: namespace + ".orders", member: member, log: log, producer: producer}, nil
}

// Ping asks the brokers for an answer.
func (l *Log) Ping(ctx context.Context) error { return kafka.Ping(ctx, l.producer) }

// Close ends the connections. What Append has returned for is safe.
func (l *Log) Close(context.Context) error {
	l.producer.Close()
	return nil
}

// Append implements saga.Log.
func (l *Log) Append(ctx context.Context, events []saga.Event) error {
	if err := l.ensure(ctx); err != nil {
		return err
	}
	records := make([]*kgo.Record, len(events))
	for i, e := range events {
		value, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("kafka: event %d: %w", e.ID, err)
		}
		records[i] = &kgo.Record{Topic: l.topic, Key: []byte(e.Order), Value: value, Timestamp: e.At}
	}
	if err := kafka.Produce(ctx, l.producer, records); err != nil {
		return fmt.Errorf("kafka: append to %s: %w", l.topic, err)
	}
	return nil
}

// ensure creates the topic, once Kafka is there.
func (l *Log) ensure(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ensured {
		return nil
	}
	if err := kafka.Ensure(ctx, l.producer, kafka.Topics{Names: []string{l.topic}, Partitions: partitions, Keep: retention}); err != nil {
		return err
	}
	l.ensured = true
	return nil
}
