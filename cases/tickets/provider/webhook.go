package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"time"

	"designkits/cases/tickets/payments"
)

// senders is how many notices are under way at most. Those of one payment go
// through one sender, and so keep their order as long as each is taken at once.
const senders = 16

// A delivery is a notice on its way.
type delivery struct {
	payments.Notice
	tries int
	again bool // it has arrived before
}

// How a notice is sent again, and for how long.
const (
	firstPause  = 200 * time.Millisecond
	lastPause   = 30 * time.Second
	giveUpAfter = 72 * time.Hour
	sendWithin  = 5 * time.Second
)

func newClient() *http.Client {
	return &http.Client{
		Timeout:       sendWithin,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
			MaxIdleConnsPerHost: senders,
			IdleConnTimeout:     30 * time.Second,
		},
	}
}

// sender is the queue for notices of a payment.
func (p *Provider) sender(payment string) *schedule[delivery] {
	hash := fnv.New32a()
	hash.Write([]byte(payment)) // a hash never fails
	return p.senders[hash.Sum32()%senders]
}

// noticesInOrder returns the undelivered notices, older ones of a payment first.
func (l *ledger) noticesInOrder() (all []notice) {
	for _, n := range l.notices {
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b notice) int { return int(a.Payment.Version - b.Payment.Version) })
	return all
}

// send sends one queue's notices until the context ends.
func (p *Provider) send(ctx context.Context, queue *schedule[delivery]) error {
	for {
		d, err := queue.next(ctx)
		if err != nil {
			return err
		}
		err = p.deliver(context.WithoutCancel(ctx), d.Notice) // what is under way at the end is let arrive
		switch {
		case err == nil:
			p.cfg.Observer.Notice("delivered")
			p.delivered(queue, d)
		case time.Since(d.At) > giveUpAfter:
			p.cfg.Observer.Notice("given up")
			p.cfg.Log.Error("a notice was never taken", "notice", d.ID, "payment", d.Payment.ID, "error", err.Error())
			p.forget(d.ID)
		default:
			p.cfg.Observer.Notice("failed")
			queue.add(time.Now().Add(pause(d.tries)), delivery{d.Notice, d.tries + 1, d.again})
		}
	}
}

// pause is how long the next try waits: twice as long each time, less up to a
// half, so that the tries of many notices spread.
func pause(tries int) time.Duration {
	full := min(firstPause<<min(tries, 20), lastPause)
	return full - rand.N(full/2)
}

// delivered notes that a notice was taken, or sends it again all the same.
func (p *Provider) delivered(queue *schedule[delivery], d delivery) {
	if !d.again {
		p.forget(d.ID)
	}
	if b := p.behaviour.Load(); happens(b.DuplicateRate) && !d.again {
		queue.add(time.Now().Add(b.sampleWithin()), delivery{Notice: d.Notice, again: true})
	}
}

// forget takes a notice from the ledger. Where that fails it is sent once more
// after the next start, which its receiver must take anyway.
func (p *Provider) forget(id string) {
	err := p.change(context.Background(), func(*ledger) (entry, error) { return entry{Delivered: id}, nil })
	if err != nil {
		p.cfg.Log.Warn("a notice that was taken will come again", "notice", id, "error", err.Error())
	}
}

// deliver sends a notice once. Nil says that it was taken.
func (p *Provider) deliver(ctx context.Context, n payments.Notice) error {
	body, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("write a notice: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.cfg.Webhook, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("send a notice: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(payments.SignatureHeader, payments.Sign(p.cfg.Secret, body, time.Now()))
	res, err := p.client.Do(req)
	if err != nil {
		return err // it names method and address already
	}
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
	if err = errors.Join(err, res.Body.Close()); res.StatusCode/100 == 2 {
		return nil // taken, whatever became of the rest of the answer
	}
	return errors.Join(fmt.Errorf("%s answered %s to a notice", p.cfg.Webhook, res.Status), err)
}
