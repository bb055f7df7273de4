package kafka

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"designkits/cases/messaging"
)

// closed is an epoch above all that Kafka gives out: with it nobody goes on.
const closed = math.MaxInt16

// begin makes the caller the partition's owner. From the record that it appends on
// the partition refuses, in its own order, all of an older epoch; and then it closes
// the partition to whoever appended under another id.
//
// Of two who begin at once under different ids each appends its record before it
// looks for others, so that at least one sees the other: both may be closed, which
// is an error and a new beginning, and never both go on.
func (o *owned) begin(ctx context.Context) (err error) {
	l := o.log
	if err := l.cfg.ensure(ctx, l.client); err != nil {
		return err
	}
	if !l.cfg.Unfenced {
		if o.as, err = l.nextEpoch(ctx, o.partition); err != nil {
			return fmt.Errorf("ask for the next epoch: %w", err)
		}
	}
	err = untilReady(ctx, func() (err error) {
		if o.leader, err = l.leader(ctx, int32(o.partition)); err == nil {
			_, err = o.append(ctx, beginning)
		}
		return err
	})
	if err != nil {
		return o.explain(err)
	}
	if l.cfg.Unfenced {
		return nil
	}
	return o.closeOthers(ctx)
}

// beginning is the record of an owner that begins. It says nothing besides.
var beginning = []entry{{key: []byte("owner")}}

// leader is the broker that leads a partition of the messages.
func (l *Log) leader(ctx context.Context, partition int32) (int32, error) {
	known, err := kadm.NewClient(l.client).Metadata(ctx, l.cfg.topic())
	if err != nil {
		return 0, fmt.Errorf("look for the partition's leader: %w", err)
	}
	p, ok := known.Topics[l.cfg.topic()].Partitions[partition]
	if err = p.Err; err == nil && (!ok || p.Leader < 0) {
		err = kerr.LeaderNotAvailable
	}
	if err != nil {
		return 0, fmt.Errorf("look for the partition's leader: %w", err)
	}
	return p.Leader, nil
}

// epochTimeout is of a transaction, which nobody begins here.
const epochTimeout = 10 * time.Second

// nextEpoch is the next one of the partition's transactional id, which is what Kafka
// gives out epochs for. After 32,766 of them, or when it has seen none for a week
// (transactional.id.expiration.ms), the epochs of another producer id begin.
func (l *Log) nextEpoch(ctx context.Context, p messaging.Partition) (as producer, err error) {
	id := l.cfg.epochs(p)
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionalID, req.TransactionTimeoutMillis = &id, int32(epochTimeout.Milliseconds())
	err = untilReady(ctx, func() error {
		answer, err := req.RequestWith(ctx, l.client)
		if err != nil {
			return err
		}
		as = producer{answer.ProducerID, answer.ProducerEpoch}
		return kerr.ErrorForCode(answer.ErrorCode)
	})
	return as, err
}

// closeOthers ends whoever appended under another id than this owner's.
func (o *owned) closeOthers(ctx context.Context) error {
	topic, partition := o.log.cfg.topic(), int32(o.partition)
	var which kadm.TopicsSet
	which.Add(topic, partition)
	described, err := kadm.NewClient(o.log.client).DescribeProducers(ctx, which)
	if err == nil {
		err = described[topic].Partitions[partition].Err
	}
	if err != nil {
		return fmt.Errorf("look who else appends: %w", err)
	}
	for id, p := range described[topic].Partitions[partition].ActiveProducers {
		if id == o.as.id || p.ProducerEpoch == closed {
			continue
		}
		a := &appending{partition: partition, batch: encode(beginning, producer{id, closed}, 0, time.Now())}
		if _, err := o.log.append(ctx, o.leader, a); err != nil && !errors.Is(err, kerr.InvalidProducerEpoch) {
			return fmt.Errorf("close the partition to producer %d: %w", id, err)
		}
	}
	return nil
}
