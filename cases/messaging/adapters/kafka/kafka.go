// Package kafka keeps the messenger's logs in Apache Kafka: messages, one
// partition of the topic for each partition of the conversations, and
// deliveries, a topic for each gateway.
//
// # Messages
//
// A partition has one owner, who appends by transactions under the partition's
// transactional id. To own it is to ask Kafka for the next epoch of that id: from
// then on whatever carries an older epoch is refused, also what was on its way
// already, and a transaction that the older owner left open is aborted. So of two
// who both believe to own a partition one alone can commit, and the broker, which
// both need anyway, says which. Only what is committed is ever read.
//
// How far a partition is applied is an offset of the group NAMESPACE-applied.
// An owner that has lost the partition may put it back: then a little is applied
// again, which the stores bear.
//
// # Deliveries
//
// What is on its way to the devices at a gateway is worth nothing later: who was
// away reads its inbox. A gateway reads its topic from when it comes, and Kafka
// keeps it for minutes.
//
// Not guaranteed: that a message is still in the log after a week. What was not
// applied by then is lost.
package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"designkits/cases/messaging"
	"designkits/shared/kafka"
)

// schema is the version of the records, a number in each.
const schema = 1

const (
	// keepMessages is how long a partition may be without an owner that applies.
	keepMessages = 7 * 24 * time.Hour
	// maxRecord holds the largest message as JSON: bodies in base 64 and a
	// thousand people who were added.
	maxRecord = 1 << 20
)

// Config says where Kafka is, and whose logs these are.
type Config struct {
	Brokers   []string
	Namespace string
	// Unfenced owners append without an epoch, each as it likes: the design that
	// is rejected, kept so that it can be seen to interleave.
	Unfenced bool
	// Dialer options and the like; for tests that break the way to Kafka.
	Options []kgo.Opt
}

func (c Config) topic() string { return c.Namespace + ".messages" }
func (c Config) group() string { return c.Namespace + "-applied" }

func (c Config) transactions(p messaging.Partition) string {
	return fmt.Sprintf("%s-messages-%02d", c.Namespace, p)
}

// connect adds what every client here needs. Kafka finishes a transaction a few
// milliseconds after it has said that it is committed, and refuses the next one
// until then: the pause before trying again is added to a message's latency.
func (c Config) connect(opts ...kgo.Opt) (*kgo.Client, error) {
	all := []kgo.Opt{
		kgo.ConcurrentTransactionsBackoff(2 * time.Millisecond),
		kgo.RetryBackoffFn(func(tries int) time.Duration { return min(time.Duration(tries*tries)*2*time.Millisecond, time.Second) }),
		kgo.ProducerLinger(0), // an owner, and a fan-out, have batched already
		kgo.ProducerBatchMaxBytes(maxRecord),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	}
	return kafka.Connect(c.Brokers, append(append(all, opts...), c.Options...)...)
}

// ensure creates the topic of messages if there is none.
func (c Config) ensure(ctx context.Context, client *kgo.Client) error {
	return kafka.Ensure(ctx, client, kafka.Topics{Names: []string{c.topic()}, Partitions: messaging.Partitions, Keep: keepMessages})
}
