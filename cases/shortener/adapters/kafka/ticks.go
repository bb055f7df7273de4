package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"designkits/cases/shortener/clicks"
	"designkits/shared/kafka"
)

// Ticks writes a record without a code into every partition of clicks again
// and again. Event time moves on by what is read, so without them the last
// window of a quiet link would stay open until somebody clicks again; and a
// partition without clicks would hold all the others back.
type Ticks struct {
	client  *kgo.Client
	topics  Topics
	log     *slog.Logger
	written atomic.Int64
}

// tickEvery is a part of how old a figure on the page can be: a window closes
// with the first tick after its end and the watermark's delay.
const tickEvery = 250 * time.Millisecond

// NewTicks returns the ticks of a namespace. It does no I/O.
func NewTicks(brokers []string, namespace string, log *slog.Logger) (*Ticks, error) {
	client, err := kafka.Connect(brokers,
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RequiredAcks(kgo.LeaderAck()),
		kgo.DisableIdempotentWrite(),
		kgo.ProducerLinger(0),
	)
	if err != nil {
		return nil, err
	}
	return &Ticks{client: client, topics: TopicsOf(namespace), log: log}, nil
}

// Run writes until ctx ends, whenever wanted says so: without a stream job they
// would only pile up. While Kafka is away it goes on trying: a tick that is
// late is worth nothing, so none is kept.
func (t *Ticks) Run(ctx context.Context, wanted func() bool) error {
	every := time.NewTicker(tickEvery)
	defer every.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-every.C:
			if !wanted() {
				continue
			}
			if err := t.write(ctx, now); err != nil && ctx.Err() == nil {
				if !failing {
					t.log.Warn("no ticks: windows stay open until they are back", "error", err.Error())
				}
				failing = true
				continue
			}
			failing = false
		}
	}
}

func (t *Ticks) write(ctx context.Context, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	value, err := json.Marshal(clicks.Click{Schema: 1, Time: now.UTC().Truncate(time.Millisecond)})
	if err != nil {
		return fmt.Errorf("encode a tick: %w", err)
	}
	records := make([]*kgo.Record, Partitions)
	for p := range records {
		records[p] = &kgo.Record{Topic: t.topics.Clicks, Partition: int32(p), Value: value}
	}
	if err := t.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("write a tick to %s: %w", t.topics.Clicks, err)
	}
	t.written.Add(1)
	return nil
}

// Written is how many ticks each partition has got so far.
func (t *Ticks) Written() int64 { return t.written.Load() }

// Close ends the connections.
func (t *Ticks) Close(context.Context) error {
	t.client.Close()
	return nil
}
