package kafka

import (
	"context"
	"fmt"
	"hash/crc32"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"designkits/cases/shortener/clicks"
	"designkits/shared/kafka"
)

// A ClickLog appends clicks to their topic. It implements clicks.ClickLog
// for one caller at a time.
type ClickLog struct {
	client *kgo.Client
	topics Topics

	mu      sync.Mutex
	ensured bool
}

// NewClickLog returns the click log of a namespace. It does no I/O. The options
// are added to the client's own (TLS, SASL, a dialer).
//
// The producer is not idempotent on purpose. Its sequence numbers would forbid
// to give up a record that is under way, so that Append could not keep its
// deadline while Kafka is away; and they would end with the process, while a
// spool is replayed by the next one. Each click is counted once by its id
// instead. One request at a time and broker keeps the order, and so does that
// a batch that is appended again goes into the partition of its first try.
func NewClickLog(brokers []string, namespace string, opts ...kgo.Opt) (*ClickLog, error) {
	client, err := kafka.Connect(brokers, append([]kgo.Opt{
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.DisableIdempotentWrite(),
		kgo.MaxProduceRequestsInflightPerBroker(1),
		kgo.ProducerLinger(time.Millisecond), // the Recorder has batched already
		kgo.RecordPartitioner(kgo.BasicConsistentPartitioner(func(string) func(*kgo.Record, int) int {
			return func(r *kgo.Record, partitions int) int { return int(r.Partition) % partitions }
		})),
		kgo.ProducerBatchCompression(kgo.Lz4Compression(), kgo.NoCompression()),
	}, opts...)...)
	if err != nil {
		return nil, err
	}
	return &ClickLog{client: client, topics: TopicsOf(namespace)}, nil
}

// Append implements clicks.ClickLog. A batch goes into one partition, and which
// one depends on its first click: what is left of a try that was given up is the
// beginning of what the next try appends there. Spread over partitions, some of
// it could get ahead of the rest.
func (l *ClickLog) Append(ctx context.Context, batch []clicks.Click) error {
	if len(batch) == 0 {
		return nil
	}
	if err := l.ensure(ctx); err != nil {
		return err
	}
	partition := int32(crc32.ChecksumIEEE([]byte(batch[0].ID)) >> 1)
	records := make([]*kgo.Record, len(batch))
	for i, click := range batch {
		value := click.AppendJSON(make([]byte, 0, 320))
		records[i] = &kgo.Record{Topic: l.topics.Clicks, Partition: partition, Key: []byte(click.ID), Value: value, Timestamp: click.Time}
	}
	if err := kafka.Produce(ctx, l.client, records); err != nil {
		return fmt.Errorf("append %d clicks to %s: %w", len(batch), l.topics.Clicks, err)
	}
	return nil
}

// ensure creates the topics before the first click, since Kafka may have been
// away when the process started.
func (l *ClickLog) ensure(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ensured {
		return nil
	}
	if err := Ensure(ctx, l.client, l.topics); err != nil {
		return err
	}
	l.ensured = true
	return nil
}

// Ping asks the brokers for an answer.
func (l *ClickLog) Ping(ctx context.Context) error { return kafka.Ping(ctx, l.client) }

// Close ends the connections. What Append has returned for is safe.
func (l *ClickLog) Close(context.Context) error {
	l.client.Close()
	return nil
}
