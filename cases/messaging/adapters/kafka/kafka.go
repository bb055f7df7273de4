// Package kafka keeps the messenger's logs in Apache Kafka: messages, one
// partition of the topic for each partition of the conversations, and
// deliveries, a topic for each gateway.
//
// # Messages
//
// A partition has one owner, whose batches carry a producer id and an epoch. To own
// the partition is to ask Kafka for the next epoch of the partition's transactional
// id, and to append a record under it: from that record on the partition's leader
// refuses whatever carries an older epoch, also what was on its way already. So of two
// who both believe to own a partition one alone can append, and the broker, which both
// need anyway, says which. What stands in the log before that record, and only that,
// is what the older owner could have told anybody is sent.
//
// There are no transactions: a batch is in the log as a whole or not at all, and
// counts as soon as it is there. A transaction would add two requests, and a record
// that ends it, to each batch of each partition; without one, the batches of all
// partitions that wait at a moment are a single request.
//
// A leader remembers the epoch of who appended for a day after (by the broker's
// setting producer.id.expiration.ms, which must not be less). An owner that has
// appended nothing for half of that is none any more, and owns the partition anew.
//
// How far a partition is applied is an offset of the group NAMESPACE-applied.
// An owner that has lost the partition may put it back: then a little is applied
// again, which the stores bear.
//
// # Deliveries
//
// A record is frames for devices at a gateway. It is worth nothing later: who was
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

// epochs is the transactional id of a partition, whose epochs are its owners'.
func (c Config) epochs(p messaging.Partition) string {
	return fmt.Sprintf("%s-messages-%02d", c.Namespace, p)
}

// connect adds what every client here needs.
func (c Config) connect(opts ...kgo.Opt) (*kgo.Client, error) {
	all := []kgo.Opt{
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
