package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"designkits/cases/messaging/fanout"
	"designkits/shared/gather"
	"designkits/shared/kafka"
	"designkits/shared/pause"
)

// Times of deliveries.
const (
	keepDeliveries = 10 * time.Minute
	deliverWithin  = 5 * time.Second
)

// Deliveries is the way to gateways. It implements fanout.Deliveries and may be
// used by many goroutines at once.
type Deliveries struct {
	cfg    Config
	client *kgo.Client
	calls  *gather.Gatherer[*delivering]

	mu      sync.Mutex
	ensured map[string]bool // gateways whose topic is there
}

var _ fanout.Deliveries = (*Deliveries)(nil)

// A delivery is a record on its way to a gateway, as CBOR: frames are bytes, and would
// be written once more as JSON.
type delivery struct {
	Schema     int               `json:"schema"`
	Deliveries []fanout.Delivery `json:"deliveries"`
}

// An Address is its text, as it is in JSON.
var (
	encoder = must(cbor.EncOptions{TextMarshaler: cbor.TextMarshalerTextString}.EncMode())
	decoder = must(cbor.DecOptions{TextUnmarshaler: cbor.TextUnmarshalerTextString}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // the options are constants
	}
	return v
}

// maxTo is how many devices a delivery in a record is for at most: as many as the record
// has room for beside the largest frame.
const maxTo = 20_000

// NewDeliveries returns the way to a namespace's gateways. It does no I/O.
func NewDeliveries(cfg Config) (*Deliveries, error) {
	// Idempotent, so that what is tried again isn't written twice or out of order.
	client, err := cfg.connect(kgo.ProducerBatchCompression(kgo.Lz4Compression(), kgo.NoCompression()))
	if err != nil {
		return nil, err
	}
	d := &Deliveries{cfg: cfg, client: client, ensured: map[string]bool{}}
	d.calls = gather.New(gather.Config[*delivering]{Send: d.send, Within: deliverWithin})
	return d, nil
}

func (d *Deliveries) topic(gateway string) string { return d.cfg.Namespace + ".deliveries." + gateway }

// A delivering is what one caller has for a gateway.
type delivering struct {
	gateway    string
	deliveries []fanout.Delivery
	err        error // of what can't be delivered, whatever the others have
}

// Deliver implements fanout.Deliveries. What many partitions have at the same moment
// goes together, in order.
func (d *Deliveries) Deliver(ctx context.Context, gateway string, deliveries []fanout.Delivery) error {
	ctx, cancel := context.WithTimeout(ctx, deliverWithin)
	defer cancel()
	one := &delivering{gateway: gateway, deliveries: deliveries}
	if err := d.calls.Do(ctx, one); err != nil {
		return fmt.Errorf("deliver to gateway %s: %w", gateway, err)
	}
	return one.err
}

// send brings each gateway what all have for it, as few records as hold it.
func (d *Deliveries) send(ctx context.Context, all []*delivering) error {
	byGateway := map[string][]fanout.Delivery{}
	for _, one := range all {
		if one.err = d.ensure(ctx, one.gateway); one.err != nil {
			continue
		}
		for _, each := range one.deliveries {
			for to := range slices.Chunk(each.To, maxTo) {
				each.To = to
				byGateway[one.gateway] = append(byGateway[one.gateway], each)
			}
		}
	}
	var records []*kgo.Record
	for gateway, its := range byGateway {
		for len(its) > 0 {
			value, n, err := pack(its)
			if err != nil {
				return fmt.Errorf("encode deliveries: %w", err)
			}
			records = append(records, &kgo.Record{Topic: d.topic(gateway), Value: value})
			its = its[n:]
		}
	}
	return kafka.Produce(ctx, d.client, records)
}

// pack puts as many deliveries into a record as it holds, one at least.
func pack(deliveries []fanout.Delivery) (value []byte, n int, err error) {
	n = len(deliveries)
	for {
		value, err = encoder.Marshal(delivery{schema, deliveries[:n]})
		if err != nil || n == 1 || len(value) < maxRecord*3/4 {
			return value, n, err
		}
		n /= 2
	}
}

// ensure creates the topic of a gateway before the first delivery; whoever comes
// first does, it or a chat process.
func (d *Deliveries) ensure(ctx context.Context, gateway string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ensured[gateway] {
		return nil
	}
	if err := kafka.Ensure(ctx, d.client, kafka.Topics{Names: []string{d.topic(gateway)}, Partitions: 1, Keep: keepDeliveries}); err != nil {
		return err
	}
	d.ensured[gateway] = true
	return nil
}

// Follow calls deliver with what comes for a gateway from now on, in order, until
// ctx ends. ready is called once it is there to hear everything that comes: from
// then on the gateway may be told of. While Kafka is away Follow waits for it;
// nothing of what comes meanwhile is left out.
func (d *Deliveries) Follow(ctx context.Context, gateway string, log *slog.Logger, ready func(), deliver func([]fanout.Delivery)) error {
	var client *kgo.Client
	for client == nil {
		var err error
		if client, err = d.reader(ctx, gateway); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			log.Warn("deliveries are not read yet", "error", err.Error())
			pause.For(ctx, time.Second)
		}
	}
	defer client.Close()
	ready()
	for ctx.Err() == nil {
		fetches := client.PollRecords(ctx, 100)
		for _, e := range fetches.Errors() {
			if ctx.Err() == nil {
				log.Warn("deliveries are not read for now", "topic", e.Topic, "error", e.Err.Error())
				pause.For(ctx, 100*time.Millisecond)
			}
		}
		fetches.EachRecord(func(r *kgo.Record) {
			var one delivery
			if err := decoder.Unmarshal(r.Value, &one); err != nil || one.Schema != schema {
				// The devices will miss it by its number, and ask.
				log.Error("a delivery was left out", "offset", r.Offset, "schema", one.Schema, "error", fmt.Sprint(err))
				return
			}
			deliver(one.Deliveries)
		})
	}
	return nil
}

// reader begins at the end that the topic has now, by its offset: a reader that
// begins "at the end" looks for it only when it first fetches.
func (d *Deliveries) reader(ctx context.Context, gateway string) (*kgo.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, deliverWithin)
	defer cancel()
	if err := d.ensure(ctx, gateway); err != nil {
		return nil, err
	}
	end, err := endOf(ctx, d.client, d.topic(gateway))
	if err != nil {
		return nil, err
	}
	return d.cfg.connect(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{d.topic(gateway): {0: kgo.NewOffset().At(end)}}),
		kgo.FetchMaxWait(time.Second),
	)
}

// Ping asks the brokers for an answer.
func (d *Deliveries) Ping(ctx context.Context) error { return kafka.Ping(ctx, d.client) }

// Close ends the connections.
func (d *Deliveries) Close(context.Context) error {
	d.calls.Close()
	d.client.Close()
	return nil
}
