package kafka

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"designkits/cases/messaging"
)

// perBatch is how many messages are handed over at once, and so how many at
// most are applied again when a crash comes between applying and marking.
const perBatch = 256

// Unapplied implements messaging.OwnedLog. It reads with a client of its own,
// since that of the owner reads nothing.
func (o *owned) Unapplied(ctx context.Context, do func(context.Context, []messaging.Message) error) error {
	from, end, err := o.span(ctx)
	if err != nil {
		return fmt.Errorf("look how far partition %d of %s is applied: %w", o.partition, o.log.cfg.topic(), err)
	}
	if from >= end {
		return nil
	}
	reader, err := o.log.cfg.connect(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{o.log.cfg.topic(): {int32(o.partition): kgo.NewOffset().At(from)}}),
	)
	if err != nil {
		return err
	}
	defer reader.Close()
	for from < end {
		fetches := reader.PollRecords(ctx, perBatch)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("read partition %d of %s from offset %d: %w", o.partition, o.log.cfg.topic(), from, err)
		}
		records := fetches.Records()
		if len(records) == 0 {
			continue
		}
		messages, err := decode(records)
		if err != nil {
			return err
		}
		if len(messages) > 0 {
			if err := do(ctx, messages); err != nil {
				return err
			}
		}
		from = records[len(records)-1].Offset + 1
		if err := o.mark(ctx, from); err != nil {
			return err
		}
	}
	return nil
}

// span is from where the partition isn't applied, and where it ends. Nobody else can
// append, so that this end stays.
func (o *owned) span(ctx context.Context) (from, end int64, err error) {
	admin := kadm.NewClient(o.log.client)
	topic, partition := o.log.cfg.topic(), int32(o.partition)
	var marked kadm.OffsetResponses
	err = untilReady(ctx, func() (err error) {
		marked, err = admin.FetchOffsetsForTopics(ctx, o.log.cfg.group(), topic)
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return 0, 0, err
	}
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return 0, 0, err
	}
	start, _ := starts.Lookup(topic, partition)
	last, ok := ends.Lookup(topic, partition)
	if !ok {
		return 0, 0, fmt.Errorf("there is no partition %d of %s", partition, topic)
	}
	at, _ := marked.Lookup(topic, partition) // -1 where nothing is marked
	return max(start.Offset, at.At), last.Offset, nil
}

// decode leaves out where an owner began. A record that can't be read ends
// the partition until a process comes that can: to leave it out would be to lose
// a message that somebody was told is sent.
func decode(records []*kgo.Record) ([]messaging.Message, error) {
	var messages []messaging.Message
	for _, r := range records {
		if r.Value == nil {
			continue
		}
		var m record
		if err := json.Unmarshal(r.Value, &m); err != nil {
			return nil, fmt.Errorf("read offset %d of partition %d of %s: %w", r.Offset, r.Partition, r.Topic, err)
		}
		if m.Schema != schema {
			return nil, fmt.Errorf("offset %d of partition %d of %s has schema %d, and this process knows %d: start a newer one", r.Offset, r.Partition, r.Topic, m.Schema, schema)
		}
		messages = append(messages, m.Message)
	}
	return messages, nil
}
