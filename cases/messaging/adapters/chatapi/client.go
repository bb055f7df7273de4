package chatapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/order"
	"designkits/shared/gather"
)

// Owners tells who owns a partition.
type Owners interface {
	// Owner returns the address of the owner as it is known, "" while there is
	// none, and what is closed when it may have changed.
	Owner(p messaging.Partition) (address string, changed <-chan struct{})
}

// A Client brings drafts to the owners of their conversations. What many bring
// meanwhile goes together, one batch at a time for each partition, so that drafts
// arrive in the order in which they were brought; and the batches of partitions that
// one process owns share its requests. It may be used by many goroutines at once.
type Client struct {
	owners     Owners
	partitions [messaging.Partitions]*gather.Gatherer[*call]
	ways       ways
}

type call struct {
	draft   messaging.Draft
	message messaging.Message
	err     error
}

// perRequest is how many drafts go together: of the largest, and as JSON, they
// fit into maxBatch.
const perRequest = min(order.MaxDrafts, maxBatch/(messaging.MaxBody*2))

// receiptsPerRequest fit into maxBatch, as JSON.
const receiptsPerRequest = 10_000

// NewClient returns a client. Close ends it.
func NewClient(owners Owners) *Client {
	c := &Client{owners: owners}
	c.ways.init()
	for p := range c.partitions {
		c.partitions[p] = gather.New(gather.Config[*call]{Max: perRequest, Send: func(ctx context.Context, batch []*call) error {
			return c.send(ctx, messaging.Partition(p), batch)
		}})
	}
	return c
}

// Close ends the client when what is under way has come back.
func (c *Client) Close() {
	for _, g := range c.partitions {
		g.Close()
	}
	c.ways.close()
}

// Send returns the message that the draft has become. Its error is the domain's,
// and nothing was sent; or, when the context has ended before anybody could tell,
// the context's: it may have been sent, and sending it again is safe. While nobody
// owns the conversation, or its owner is busy or away, it is tried again.
func (c *Client) Send(ctx context.Context, d messaging.Draft) (messaging.Message, error) {
	if err := d.Check(); err != nil {
		return messaging.Message{}, err
	}
	one := &call{draft: d}
	if err := c.partitions[d.Conversation.Partition()].Do(ctx, one); err != nil {
		return messaging.Message{}, fmt.Errorf("send to conversation %s: %w", d.Conversation, err)
	}
	return one.message, one.err
}

// Acknowledged tells the owners of conversations of receipts that are stored. It is
// tried once; who isn't told reads them.
func (c *Client) Acknowledged(ctx context.Context, receipts []messaging.Receipt) error {
	byOwner := map[string][]messaging.Receipt{}
	for _, r := range receipts {
		if address, _ := c.owners.Owner(r.Conversation.Partition()); address != "" {
			byOwner[address] = append(byOwner[address], r)
		}
	}
	work, ctx := errgroup.WithContext(ctx)
	for address, its := range byOwner {
		work.Go(func() error {
			for some := range slices.Chunk(its, receiptsPerRequest) {
				if err := c.ways.tell(ctx, address, some); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return work.Wait()
}

// send brings a batch to the owner, whoever that is, until the context ends.
func (c *Client) send(ctx context.Context, p messaging.Partition, batch []*call) error {
	body := part{p, make([]messaging.Draft, len(batch))}
	for i, one := range batch {
		body.Drafts[i] = one.draft
	}
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode %d drafts: %w", len(batch), err)
	}
	for tries := 0; ; tries++ {
		address, changed := c.owners.Owner(p)
		failed := error(messaging.ErrNotOwner)
		if address != "" {
			var results []result
			if results, failed = c.ways.bring(ctx, address, p, data, tries > 0); failed == nil && len(results) != len(batch) {
				failed = fmt.Errorf("%s answered with %d results for %d drafts", address, len(results), len(batch))
			}
			if failed == nil {
				settle(batch, results)
				return nil
			}
		}
		if !temporary(failed) {
			return failed
		}
		select {
		case <-changed:
		case <-time.After(min(time.Duration(tries+1)*20*time.Millisecond, 200*time.Millisecond)):
		case <-ctx.Done():
			return fmt.Errorf("%w; the last that was heard: %w", ctx.Err(), failed)
		}
	}
}

// temporary reports whether asking again may help.
func temporary(err error) bool {
	if _, ok := asInvalid(err); ok {
		return false
	}
	return !errors.Is(err, messaging.ErrNotFound)
}

// settle hands out the results. A store that is away is nobody's error but says
// so to who sent: it may send again.
func settle(batch []*call, results []result) {
	for i, r := range results {
		one := batch[i]
		switch {
		case r.Kind == "":
			one.message = messaging.Message{Draft: one.draft, Seq: r.Seq, At: r.At}
		case r.Kind == "invalid":
			one.err = &messaging.Invalid{Field: r.Field, Reason: r.Detail}
		case messaging.OfKind(r.Kind) == messaging.ErrTooMany:
			one.err = &messaging.TooMany{Limit: r.Detail}
		case messaging.OfKind(r.Kind) != nil:
			one.err = messaging.OfKind(r.Kind)
		default:
			one.err = fmt.Errorf("%w: %s", messaging.ErrBusy, r.Detail)
		}
	}
}
