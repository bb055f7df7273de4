package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"designkits/cases/messaging"
)

// An owned is a partition in the hands of its owner.
type owned struct {
	log       *Log
	partition messaging.Partition
	leader    int32 // the broker that leads the partition; another one is an error, and a new owner

	// Of whoever appends, one at a time.
	as     producer
	next   int32     // how many records it has appended, which is the number of the next
	last   time.Time // when it last appended, by the clock and not by the time that passed
	broken error     // of an Append

	mu     sync.Mutex
	places []place // of messages that are appended and not marked as applied; in order
}

// A place is where a message stands in the log.
type place struct {
	conversation messaging.ConversationID
	seq          messaging.Seq
	offset       int64
}

// A record is a message as Kafka holds it.
type record struct {
	Schema int `json:"schema"`
	messaging.Message
}

// quietFor is how long an owner may append nothing and still go on. It is well below
// the day (producer.id.expiration.ms) for which a broker remembers the epoch of who
// appended last: where none is remembered, any is taken.
const quietFor = 12 * time.Hour

var errQuiet = fmt.Errorf("nothing was appended for %s: it is owned anew", quietFor)

// Append implements messaging.OwnedLog. What isn't answered isn't sent again: whoever
// owns the partition next finds out what has become of it.
func (o *owned) Append(ctx context.Context, messages []messaging.Message) error {
	if o.broken != nil {
		return o.broken
	}
	batches, err := split(messages)
	if err != nil {
		return err
	}
	if o.as != nobody && time.Since(o.last) > quietFor {
		o.broken = o.explain(errQuiet)
		return o.broken
	}
	for i, b := range batches {
		offset, err := o.append(ctx, b)
		if err != nil {
			o.broken = o.explain(err)
			if i > 0 { // then it isn't so that none is there
				o.broken = fmt.Errorf("behind %d batches that are there: %v", i, o.broken)
			}
			return o.broken
		}
		o.mu.Lock()
		for i := range b {
			m := messages[i]
			o.places = append(o.places, place{m.Conversation, m.Seq, offset + int64(i)})
		}
		o.mu.Unlock()
		messages = messages[len(b):]
	}
	return nil
}

// split encodes messages and divides them into batches as large as may be.
func split(messages []messaging.Message) (batches [][]entry, err error) {
	bytes := 0
	for _, m := range messages {
		value, err := json.Marshal(record{schema, m})
		if err != nil {
			return nil, fmt.Errorf("encode message %d of %s: %w", m.Seq, m.Conversation, err)
		}
		e := entry{key: []byte(m.Conversation), value: value}
		if bytes += e.size(); len(batches) == 0 || bytes > maxBatch {
			batches, bytes = append(batches, nil), e.size()
		}
		last := len(batches) - 1
		batches[last] = append(batches[last], e)
	}
	return batches, nil
}

// append appends a batch, and returns where it begins.
func (o *owned) append(ctx context.Context, entries []entry) (offset int64, err error) {
	now := time.Now().Round(0)
	a := &appending{partition: int32(o.partition), batch: encode(entries, o.as, o.next, now)}
	if offset, err = o.log.append(ctx, o.leader, a); err == nil && o.as != nobody {
		o.last, o.next = now, following(o.next, len(entries))
	}
	return offset, err
}

// explain says what an error of appending means to an owner.
func (o *owned) explain(err error) error {
	if errors.Is(err, kerr.InvalidProducerEpoch) {
		err = fmt.Errorf("%w: %w", messaging.ErrFenced, err)
	}
	return fmt.Errorf("append to partition %d of %s: %w", o.partition, o.log.cfg.topic(), err)
}

// Applied implements messaging.OwnedLog.
func (o *owned) Applied(ctx context.Context, last messaging.Message) error {
	o.mu.Lock()
	next := int64(-1)
	for i, p := range o.places {
		if p.conversation == last.Conversation && p.seq == last.Seq {
			next = p.offset + 1
			o.places = o.places[i+1:]
			break
		}
	}
	o.mu.Unlock()
	if next < 0 {
		return nil // it was marked with a later one
	}
	return o.mark(ctx, next)
}

// mark notes that all before an offset is applied.
func (o *owned) mark(ctx context.Context, next int64) error {
	cfg, offsets := o.log.cfg, kadm.Offsets{}
	offsets.AddOffset(cfg.topic(), int32(o.partition), next, -1)
	err := untilReady(ctx, func() error { return kadm.NewClient(o.log.client).CommitAllOffsets(ctx, cfg.group(), offsets) })
	if err != nil {
		return fmt.Errorf("mark partition %d of %s as applied up to offset %d: %w", o.partition, cfg.topic(), next, err)
	}
	return nil
}

// Close implements messaging.OwnedLog. The connections are the Log's.
func (o *owned) Close() error { return nil }
