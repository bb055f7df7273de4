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
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"designkits/shared/kafka"
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
	return kafka.Ensure(ctx, client, kafka.Topics{Names: []string{topics.Clicks, topics.Increments}, Partitions: Partitions, Keep: retention})
}
