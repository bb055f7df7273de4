package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"designkits/cases/messaging"
	"designkits/shared/gather"
)

// appendWithin bounds an append that nobody bounds.
const appendWithin = 5 * time.Second

// An appending is a batch on its way into a partition.
type appending struct {
	partition int32
	batch     []byte

	offset int64 // of its first record
	err    error // why it isn't there, or isn't known to be
}

// append brings a batch to the partition's leader, together with those of other
// partitions that wait at this moment, and returns the offset that it begins at.
func (l *Log) append(ctx context.Context, leader int32, a *appending) (offset int64, err error) {
	if err := l.broker(leader).Do(ctx, a); err != nil {
		return 0, err // and a must not be looked at
	}
	return a.offset, a.err
}

// broker is the way to one of the brokers: one request at a time.
func (l *Log) broker(id int32) *gather.Gatherer[*appending] {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.brokers[id] == nil {
		l.brokers[id] = gather.New(gather.Config[*appending]{
			Max: messaging.Partitions, Within: appendWithin,
			Send: func(ctx context.Context, all []*appending) error {
				for len(all) > 0 {
					all = l.request(ctx, id, all)
				}
				return nil
			},
		})
	}
	return l.brokers[id]
}

// request makes a request of one batch for each partition, which is all that Kafka
// takes, and returns the others: of two who both believe to own a partition.
func (l *Log) request(ctx context.Context, broker int32, all []*appending) (others []*appending) {
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic = l.cfg.topic()
	sent := map[int32]*appending{}
	for _, a := range all {
		if sent[a.partition] != nil {
			others = append(others, a)
			continue
		}
		a.err = errors.New("the broker has said nothing of it")
		sent[a.partition] = a
		topic.Partitions = append(topic.Partitions, kmsg.ProduceRequestTopicPartition{Partition: a.partition, Records: a.batch})
	}
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.Topics = -1, []kmsg.ProduceRequestTopic{topic} // -1: all replicas that are in step
	req.TimeoutMillis = int32(appendWithin.Milliseconds())
	answer, err := l.client.Broker(int(broker)).Request(ctx, req)
	if err != nil {
		for _, a := range sent {
			a.err = fmt.Errorf("ask broker %d: %w", broker, err)
		}
		return others
	}
	for _, t := range answer.(*kmsg.ProduceResponse).Topics {
		for _, p := range t.Partitions {
			if a := sent[p.Partition]; a != nil {
				a.offset, a.err = p.BaseOffset, kerr.ErrorForCode(p.ErrorCode)
			}
		}
	}
	return others
}
