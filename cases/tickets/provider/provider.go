// Package provider is a payment provider: a simulator of somebody else's service,
// and honest about that. No money moves, no card is known; what is real is what
// a buyer of such a service has to live with. It answers late or never, answers
// a repeated request with the first answer, decides some payments much later,
// and tells its news by a webhook that comes late, twice and in any order, as
// badly as its Behaviour says.
//
// # API
//
// JSON over HTTP with "Authorization: Bearer KEY". Every POST needs an
// Idempotency-Key: repeated with the same content within 24 hours it takes effect
// once and gets the first answer (with "Idempotent-Replayed: true"); with other
// content it is refused. What was refused isn't remembered: it can be tried again
// with its key. Errors are problem+json.
//
//	POST /v1/payments                {"order","amount","currency","source"} → 201, a payment
//	POST /v1/payments/{id}/capture   → 200   takes what is authorised
//	POST /v1/payments/{id}/void      → 200   lets go of what is authorised
//	POST /v1/payments/{id}/refunds   {"amount"} → 200   gives back a part, or all
//	GET  /v1/payments/{id}           → 200, a payment as it is now
//	GET  /v1/admin/behaviour         → 200, a Behaviour
//	PUT  /v1/admin/behaviour         → 200   members that aren't named, and all after
//	                                 a restart, are as the environment says
//
// 400, 413, 415 no JSON, or too much · 401 no or another key · 404 no such
// payment · 409 the payment isn't in a state for that · 422 invalid input, or a
// key that was used for another request (/problems/key-reused) · 503 too much is
// under way, or the disk is slow: ask again with the same key. Except after 503,
// nothing has changed.
//
// A payment is pending, authorised, declined, captured, voided or refunded; see
// payments.Payment. What is pending can't be voided: nobody knows yet whether
// there is anything to let go.
//
// # Sources
//
//	tok_ok        is authorised
//	tok_declined  is declined
//	tok_slow      is pending, and authorised after SlowAfter
//	tok_late      is pending, and authorised after LateAfter: after any hold has ended
//	tok_timeout   is authorised, but that is not answered, unless it is asked again
//
// # Webhook
//
// Each change is told by a POST of a payments.Notice with its signature
// (payments.Sign). Until the receiver answers 2xx it is sent again, with pauses
// that double from 200 ms to 30 s, for three days. While Behaviour has no delay,
// no duplicates and no reordering, and the receiver takes each notice, those of
// one payment come once and in order.
//
// # What it keeps
//
// One file, a journal that is synced before anything is answered, and all of it
// in memory; so a kill -9 loses nothing that anybody was told. It is a file and
// not PostgreSQL, because PostgreSQL is ours: when ours dies in an experiment the
// provider doesn't, and its writes must not slow down ours in a bench.
package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/tickets/payments"
	"designkits/shared/gather"
)

// Config is what a Provider is made of. All of it is needed, unless a comment
// says otherwise.
type Config struct {
	Journal   string // the file, of this process alone; made if there is none
	Key       string // what callers have to know
	Webhook   string // where notices go; empty: nowhere
	Secret    []byte // signs notices
	Behaviour Behaviour
	Log       *slog.Logger
	Observer  Observer // default none
	// Draining is closed when the process begins to stop: what waits is cut off.
	Draining <-chan struct{}
	// MaxPayments and MaxNotices are how many payments, and how many notices that
	// nobody has taken, the provider keeps, in about 1 KiB of memory each; beyond
	// it takes nothing on. Default 500,000 and 100,000.
	MaxPayments, MaxNotices int
}

// A Provider is the provider. Open makes one, Run makes it go, and Close ends it.
type Provider struct {
	cfg       Config
	behaviour atomic.Pointer[Behaviour]
	changes   *gather.Gatherer[*change]
	decisions *schedule[string] // payments
	senders   [senders]*schedule[delivery]
	client    *http.Client
	requests  chan struct{} // as many as may be under way

	// Of the gatherer's one lane alone:
	ledger  *ledger
	journal *journal
	broken  error // the journal can't be written: memory may be ahead of it

	failed chan error // holds the first of broken
}

// atOnce is how many requests may be under way.
const atOnce = 10_000

// Open reads the journal, or begins one. The caller closes the Provider.
func Open(cfg Config) (*Provider, error) {
	if err := cfg.Behaviour.Check(); err != nil {
		return nil, fmt.Errorf("the provider's behaviour: %w", err)
	}
	if cfg.Observer == nil {
		cfg.Observer = unobserved{}
	}
	p := &Provider{
		cfg: cfg, decisions: newSchedule[string](), client: newClient(), requests: make(chan struct{}, atOnce),
		failed: make(chan error, 1),
	}
	p.behaviour.Store(&cfg.Behaviour)
	for i := range p.senders {
		p.senders[i] = newSchedule[delivery]()
	}
	var err error
	if p.journal, p.ledger, err = openJournal(cfg.Journal, time.Now()); err != nil {
		return nil, err
	}
	p.ledger.maxPayments, p.ledger.maxNotices = cmp.Or(cfg.MaxPayments, 500_000), cmp.Or(cfg.MaxNotices, 100_000)
	for _, h := range p.ledger.payments {
		p.follow(entry{Payment: &h})
	}
	for _, n := range p.ledger.noticesInOrder() {
		p.follow(entry{Notice: &n})
	}
	p.changes = gather.New(gather.Config[*change]{Send: p.commit})
	return p, nil
}

// Run decides pending payments and sends notices until the context ends, or
// until the journal can't be written.
func (p *Provider) Run(ctx context.Context) error {
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error {
		select {
		case err := <-p.failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	work.Go(func() error { return p.decide(ctx) })
	for _, queue := range p.senders {
		work.Go(func() error { return p.send(ctx, queue) })
	}
	return work.Wait()
}

// Close ends the Provider after the last request and after Run.
func (p *Provider) Close() error {
	p.changes.Close()
	p.client.CloseIdleConnections()
	return p.journal.close()
}

// A change is one call's look at the ledger, and what it changes.
type change struct {
	// decide says what changes, at most one entry; an error changes nothing.
	decide func(*ledger) (entry, error)
	err    error
}

// within bounds how long a change waits for the disk.
const within = 5 * time.Second

// change changes the ledger. Without an error it is on disk, and so is all
// that decide has seen. What decide sets is the caller's only without an error.
func (p *Provider) change(ctx context.Context, decide func(*ledger) (entry, error)) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	c := &change{decide: decide}
	if err := p.changes.Do(ctx, c); err != nil {
		return fmt.Errorf("change the ledger: %w", err)
	}
	return c.err
}

// commit takes a batch of changes one after the other and syncs them together.
func (p *Provider) commit(_ context.Context, batch []*change) error {
	if p.broken != nil {
		return p.broken
	}
	var entries []entry
	sync := false
	for _, c := range batch {
		var e entry
		if e, c.err = c.decide(p.ledger); c.err != nil || e == (entry{}) {
			continue
		}
		p.ledger.apply(e)
		entries = append(entries, e)
		sync = sync || e.Delivered == "" // a delivery that is forgotten is repeated
	}
	if len(entries) > 0 {
		if p.broken = p.journal.append(entries, sync); p.broken != nil {
			p.failed <- p.broken // once: from here on nothing is written
			return p.broken
		}
	}
	for _, e := range entries {
		p.follow(e)
	}
	p.cfg.Observer.Waiting(len(p.ledger.notices))
	return nil
}

// follow sets going what an entry has in its wake.
func (p *Provider) follow(e entry) {
	if e.Payment != nil && e.Payment.Status == payments.Pending {
		p.decisions.add(e.Payment.Decide, e.Payment.ID)
	}
	if e.Notice != nil {
		p.sender(e.Notice.Payment.ID).add(e.Notice.Due, delivery{Notice: e.Notice.Notice})
	}
}

// decide authorises pending payments when it is time.
func (p *Provider) decide(ctx context.Context) error {
	for {
		id, err := p.decisions.next(ctx)
		if err != nil {
			return err
		}
		err = p.change(ctx, func(l *ledger) (entry, error) {
			h, err := l.moved(id, payments.Authorised)
			if err != nil {
				return entry{}, err
			}
			return p.changed(h, nil), nil
		})
		switch {
		case errors.Is(err, payments.ErrConflict): // decided already
		case err != nil && ctx.Err() == nil:
			p.cfg.Log.Error("a payment isn't decided; another try follows", "payment", id, "error", err.Error())
			p.decisions.add(time.Now().Add(time.Second), id)
		}
	}
}

// changed is the entry of a payment that has changed, with its notice.
func (p *Provider) changed(h held, a *answer) entry {
	e := entry{Payment: &h, Answer: a}
	if p.cfg.Webhook != "" {
		now := time.Now().UTC()
		e.Notice = &notice{payments.Notice{ID: newID("evt"), At: now, Payment: h.Payment}, now.Add(p.behaviour.Load().sampleHold())}
	}
	return e
}
