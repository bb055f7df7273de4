package main

import (
	"context"
	cryptorand "crypto/rand"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/device"
	"designkits/cases/messaging/wire"
	"designkits/shared/pause"
)

const (
	toGroup = 0.1 // share of messages
	typing  = 2 * time.Second
	// underWay is how many messages are written or not yet sent at most. What comes on
	// top is left out and counted: else an outage would fill the memory.
	underWay = 1000
	length   = 300 // bytes of a body, as in the sheet
)

// talk has messages written at random moments, whether or not the ones before are
// sent, until the context ends.
func (c *crowd) talk(ctx context.Context) error {
	var saying errgroup.Group
	saying.SetLimit(underWay)
	defer func() { _ = saying.Wait() }() // they return none
	for {
		if !pause.For(ctx, time.Duration(rand.ExpFloat64()/c.cfg.MessagesASecond*float64(time.Second))) {
			return ctx.Err()
		}
		if !saying.TryGo(func() error { c.say(ctx); return nil }) {
			c.metrics.messages.WithLabelValues(leftOut).Inc()
		}
	}
}

// say has somebody read what is there, type, and send a message.
func (c *crowd) say(ctx context.Context) {
	t := c.group
	if rand.Float64() >= toGroup {
		t = c.pairs[rand.IntN(len(c.pairs))]
	}
	p := t.members[rand.IntN(len(t.members))]
	p.Read(t.id, c.screens.Has(p.account.Device, t.id))
	p.Type(t.id, true)
	if !pause.For(ctx, rand.N(typing)) {
		return
	}
	m := wire.Send{Conversation: t.id, ID: messaging.MessageID(cryptorand.Text()), Kind: messaging.Posted}
	began := time.Now()
	m.Body.Shared = body(began)
	place, err := p.Send(ctx, m)
	switch refusal, ok := errors.AsType[*device.Refusal](err); {
	case ok:
		c.metrics.messages.WithLabelValues(refused).Inc()
		c.log.Warn("a message was refused", "by", p.account.Name, "error", refusal.Error())
	case err == nil:
		c.metrics.messages.WithLabelValues(sent).Inc()
		c.metrics.sent.Observe(time.Since(began).Seconds())
		c.screens.Sent(t.id, m.ID, place.Seq)
	}
}

// body begins with when it was written, so that whoever shows it knows how long it
// took.
func body(written time.Time) []byte {
	b := make([]byte, length)
	_, _ = cryptorand.Read(b) // never fails, see crypto/rand
	binary.BigEndian.PutUint64(b, uint64(written.UnixNano()))
	return b
}

// shown is told of all that comes onto a screen.
func (c *crowd) shown(by messaging.Address, m messaging.Message) {
	c.screens.Shown(by, m)
	if m.Kind == messaging.Posted && m.Sender != by && len(m.Body.Shared) == length {
		written := time.Unix(0, int64(binary.BigEndian.Uint64(m.Body.Shared)))
		c.metrics.shown.Observe(time.Since(written).Seconds())
	}
}
