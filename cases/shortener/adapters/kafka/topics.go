// Package kafka keeps the two logs of the shortener: clicks, which the API
// processes append and the stream job reads, and increments, which the stream
// job writes and the analytics process adds up.
//
// Clicks have their id as key, and the key has no say in their partition. Nothing
// that counts depends on the order of two clicks, so a partition by code would
// buy nothing and would put a link that is suddenly famous into one; a batch goes
// whole into one partition, the next into another. A click that is replayed may
// land elsewhere: the stream job knows it by its id.
// Increments are keyed by code: one writer, one order for each row they end in.
//
// What it doesn't do: it keeps nothing in memory while Kafka is away. Append
// fails within its context's deadline, and the Recorder's spool takes over.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Partitions of each topic. They bound how many stream tasks and analytics
// processes can share the work; more can be added later for clicks, never for
// increments (their key's order would break).
const Partitions = 4

// Topics are the names of the logs in one namespace.
type Topics struct {
	Clicks     string
	Increments string
}

// TopicsOf returns the names in a namespace.
func TopicsOf(namespace string) Topics {
	return Topics{Clicks: namespace + ".clicks", Increments: namespace + ".increments"}
}

// retention is how long Kafka keeps clicks and increments. It is the longest
// time that the stream job or the analytics process may be away for without a
// click being lost.
const retention = 7 * 24 * time.Hour

// Ensure creates the topics that are missing. It may be called by any number
// of processes at once.
func Ensure(ctx context.Context, client *kgo.Client, topics Topics) error {
	text := func(s string) *string { return &s }
	config := map[string]*string{
		"retention.ms":           text(strconv.FormatInt(retention.Milliseconds(), 10)),
		"message.timestamp.type": text("CreateTime"),
	}
	// -1: the broker's own default of replicas, 1 on one machine and 3 in a cluster.
	created, err := kadm.NewClient(client).CreateTopics(ctx, Partitions, -1, config, topics.Clicks, topics.Increments)
	if err != nil {
		return fmt.Errorf("create the topics %s and %s: %w", topics.Clicks, topics.Increments, err)
	}
	fresh := false
	for _, topic := range created.Sorted() {
		switch {
		case topic.Err == nil:
			fresh = true
		case !errors.Is(topic.Err, kerr.TopicAlreadyExists):
			return fmt.Errorf("create the topic %s: %w", topic.Topic, topic.Err)
		}
	}
	// A broker that was asked to create a topic may not know of it at once.
	for fresh {
		if fresh = !known(ctx, client, topics); fresh && !pause(ctx, 50*time.Millisecond) {
			return fmt.Errorf("wait for the topics %s and %s: %w", topics.Clicks, topics.Increments, ctx.Err())
		}
	}
	return nil
}

func known(ctx context.Context, client *kgo.Client, topics Topics) bool {
	details, err := kadm.NewClient(client).ListTopics(ctx, topics.Clicks, topics.Increments)
	return err == nil && details.Error() == nil
}

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
