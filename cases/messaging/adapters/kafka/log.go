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
	"github.com/twmb/franz-go/pkg/kgo"

	"designkits/cases/messaging"
	"designkits/shared/kafka"
)

// A Log is the messaging.Log.
type Log struct{ cfg Config }

var _ messaging.Log = (*Log)(nil)

// NewLog returns the log of a namespace. It does no I/O.
func NewLog(cfg Config) *Log { return &Log{cfg} }

// Own implements messaging.Log.
func (l *Log) Own(ctx context.Context, p messaging.Partition) (messaging.OwnedLog, error) {
	var producer []kgo.Opt
	if l.cfg.Unfenced {
		producer = []kgo.Opt{kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1)}
	} else {
		// A transaction lasts as long as one Append. This ends one whose owner hangs.
		producer = []kgo.Opt{kgo.TransactionalID(l.cfg.transactions(p)), kgo.TransactionTimeout(10 * time.Second)}
	}
	client, err := l.cfg.connect(producer...)
	if err != nil {
		return nil, err
	}
	err = l.cfg.ensure(ctx, client)
	if err == nil && !l.cfg.Unfenced {
		// This waits until what the last owner had in flight is committed or aborted.
		_, _, err = client.ProducerID(ctx)
	}
	if err != nil {
		client.Close()
		return nil, fmt.Errorf("own partition %d of %s: %w", p, l.cfg.topic(), err)
	}
	return &owned{cfg: l.cfg, client: client, partition: p}, nil
}

// An owned is a partition in the hands of its owner.
type owned struct {
	cfg       Config
	client    *kgo.Client
	partition messaging.Partition
	broken    error // of an Append; only its caller reads and writes it

	mu     sync.Mutex
	places []place // of messages that are committed and not marked as applied; in order
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

// Append implements messaging.OwnedLog. After an error the client might ask for
// an epoch of its own accord, and so own what somebody else owns by now:
// therefore it isn't asked again.
func (o *owned) Append(ctx context.Context, messages []messaging.Message) error {
	if o.broken != nil {
		return o.broken
	}
	records := make([]*kgo.Record, len(messages))
	for i, m := range messages {
		value, err := json.Marshal(record{schema, m})
		if err != nil {
			return fmt.Errorf("encode message %d of %s: %w", m.Seq, m.Conversation, err)
		}
		records[i] = &kgo.Record{Topic: o.cfg.topic(), Partition: int32(o.partition), Key: []byte(m.Conversation), Value: value, Timestamp: m.At}
	}
	if err := o.commit(ctx, records); err != nil {
		o.broken = o.explain(err)
		return o.broken
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, m := range messages {
		o.places = append(o.places, place{m.Conversation, m.Seq, records[i].Offset})
	}
	return nil
}

func (o *owned) commit(ctx context.Context, records []*kgo.Record) error {
	if o.cfg.Unfenced {
		return kafka.Produce(ctx, o.client, records)
	}
	if err := o.client.BeginTransaction(); err != nil {
		return err
	}
	if err := kafka.Produce(ctx, o.client, records); err != nil {
		return err // what was written is aborted by the next owner's beginning
	}
	return o.client.EndTransaction(ctx, kgo.TryCommit)
}

// fenced are Kafka's words for an owner that is none any more.
var fenced = []error{kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.InvalidProducerIDMapping, kerr.InvalidTxnState}

func (o *owned) explain(err error) error {
	for _, known := range fenced {
		if errors.Is(err, known) {
			err = fmt.Errorf("%w: %w", messaging.ErrFenced, err)
			break
		}
	}
	return fmt.Errorf("append to partition %d of %s: %w", o.partition, o.cfg.topic(), err)
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
	offsets := kadm.Offsets{}
	offsets.AddOffset(o.cfg.topic(), int32(o.partition), next, -1)
	err := coordinated(ctx, func() error { return kadm.NewClient(o.client).CommitAllOffsets(ctx, o.cfg.group(), offsets) })
	if err != nil {
		return fmt.Errorf("mark partition %d of %s as applied up to offset %d: %w", o.partition, o.cfg.topic(), next, err)
	}
	return nil
}

// Close implements messaging.OwnedLog.
func (o *owned) Close() error {
	o.client.Close()
	return nil
}
