// Package kafka is what every case does to speak with Apache Kafka: it connects,
// creates the topics that are missing, and waits for what was produced no longer
// than it was told to. What the records are is the case's.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"designkits/shared/pause"
)

// Connect returns a client of the brokers. It does no I/O: Kafka may be away.
// Retries are short, so that work goes on soon after Kafka is back; whoever
// calls bounds each call by its context.
func Connect(brokers []string, opts ...kgo.Opt) (*kgo.Client, error) {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(brokers...),
		kgo.DialTimeout(2 * time.Second),
		kgo.MetadataMinAge(250 * time.Millisecond),
		kgo.MetadataMaxAge(30 * time.Second),
		kgo.RetryBackoffFn(func(tries int) time.Duration {
			return min(time.Duration(tries)*100*time.Millisecond, time.Second)
		}),
	}, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("set up the Kafka client of %v: %w", brokers, err)
	}
	return client, nil
}

// Ping asks the brokers for an answer, for a readiness check.
func Ping(ctx context.Context, client *kgo.Client) error {
	if err := client.Ping(ctx); err != nil {
		return fmt.Errorf("reach Kafka: %w; `kit status` tells whether it runs", err)
	}
	return nil
}

// Topics are what Ensure creates: topics that are alike.
type Topics struct {
	Names      []string
	Partitions int32
	// Keep is how long Kafka keeps a record, and so the longest time that a reader
	// may be away without missing one.
	Keep time.Duration
}

// Ensure creates the topics that are missing and returns when they can be used.
// It may be called by any number of processes at once.
func Ensure(ctx context.Context, client *kgo.Client, topics Topics) error {
	keep := strconv.FormatInt(topics.Keep.Milliseconds(), 10)
	// -1: the broker's own default of replicas, 1 on one machine and 3 in a cluster.
	created, err := kadm.NewClient(client).CreateTopics(ctx, topics.Partitions, -1, map[string]*string{"retention.ms": &keep}, topics.Names...)
	if err != nil {
		return fmt.Errorf("create the topics %s: %w", strings.Join(topics.Names, ", "), err)
	}
	for _, topic := range created.Sorted() {
		if topic.Err != nil && !errors.Is(topic.Err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("create the topic %s: %w", topic.Topic, topic.Err)
		}
	}
	// A broker may not know of a topic at once, whoever has just created it.
	for !known(ctx, client, topics.Names) {
		if !pause.For(ctx, 50*time.Millisecond) {
			return fmt.Errorf("wait for the topics %s: %w", strings.Join(topics.Names, ", "), ctx.Err())
		}
	}
	return nil
}

func known(ctx context.Context, client *kgo.Client, names []string) bool {
	details, err := kadm.NewClient(client).ListTopics(ctx, names...)
	return err == nil && details.Error() == nil
}

// Produce returns when all records are acknowledged, or with an error, but not
// later than the context's end: the client itself would wait for an answer to
// what is on the wire. Such records may be written later, before those of the
// next call; the client's buffer bounds them.
func Produce(ctx context.Context, client *kgo.Client, records []*kgo.Record) error {
	acknowledged := make(chan error, len(records))
	for _, record := range records {
		client.Produce(ctx, record, func(_ *kgo.Record, err error) { acknowledged <- err })
	}
	for range records {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-acknowledged:
			if err != nil {
				return err
			}
		}
	}
	return nil
}
