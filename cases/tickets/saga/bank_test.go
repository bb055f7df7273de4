package saga_test

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"designkits/cases/tickets"
	"designkits/cases/tickets/payments"
)

// A bank is payments.Provider as a model: its rules and nothing else.
type bank struct {
	mu       sync.Mutex
	payments map[string]*payments.Payment
	answers  map[string]payments.Payment
	charges  map[tickets.OrderID]int
	notices  []payments.Notice // of every change
	// next is drawn for each call: what it does.
	next func(call string) fate
}

// A fate is what becomes of a call.
type fate string

const (
	fine    fate = "fine"
	lost    fate = "the call is lost"
	noReply fate = "the answer is lost"
	pending fate = "pending"
	decline fate = "declined"
)

var errLost = errors.New("no answer in time")

func newBank(next func(string) fate) *bank {
	return &bank{payments: map[string]*payments.Payment{}, answers: map[string]payments.Payment{}, charges: map[tickets.OrderID]int{}, next: next}
}

// call has the effect once for a key.
func (b *bank) call(name, key string, effect func(fate) (*payments.Payment, error)) (payments.Payment, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.next(name)
	if f == lost {
		return payments.Payment{}, errLost
	}
	answer, done := b.answers[key]
	if !done {
		p, err := effect(f)
		if err != nil {
			return payments.Payment{}, err
		}
		answer = *p
		b.answers[key] = answer
		b.changed(p)
	}
	if f == noReply {
		return payments.Payment{}, errLost
	}
	return answer, nil
}

func (b *bank) changed(p *payments.Payment) {
	b.notices = append(b.notices, payments.Notice{ID: fmt.Sprintf("%s-%d", p.ID, p.Version), Payment: *p})
}

func (b *bank) Authorise(_ context.Context, key string, c payments.Charge) (payments.Payment, error) {
	return b.call("authorise", key, func(f fate) (*payments.Payment, error) {
		b.charges[c.Order]++
		p := &payments.Payment{ID: "pay-" + string(c.Order), Order: c.Order, Amount: c.Amount, Currency: c.Currency, Status: payments.Authorised, Version: 1}
		switch f {
		case pending:
			p.Status = payments.Pending
		case decline:
			p.Status = payments.Declined
		}
		b.payments[p.ID] = p
		return p, nil
	})
}

// move changes a payment that has one of the statuses.
func (b *bank) move(payment string, to payments.Status, from ...payments.Status) (*payments.Payment, error) {
	p := b.payments[payment]
	if p == nil {
		return nil, payments.ErrUnknown
	}
	for _, s := range from {
		if p.Status == s {
			p.Status = to
			p.Version++
			return p, nil
		}
	}
	return nil, payments.ErrConflict
}

func (b *bank) Capture(_ context.Context, key, payment string) (payments.Payment, error) {
	return b.call("capture", key, func(f fate) (*payments.Payment, error) {
		if f == decline { // the authorisation has ended by itself
			p, err := b.move(payment, payments.Voided, payments.Authorised)
			if err == nil {
				b.changed(p)
			}
			return nil, payments.ErrConflict
		}
		return b.move(payment, payments.Captured, payments.Authorised)
	})
}

func (b *bank) Void(_ context.Context, key, payment string) (payments.Payment, error) {
	return b.call("void", key, func(fate) (*payments.Payment, error) {
		return b.move(payment, payments.Voided, payments.Authorised)
	})
}

func (b *bank) Refund(_ context.Context, key, payment string, amount tickets.Cents) (payments.Payment, error) {
	return b.call("refund", key, func(fate) (*payments.Payment, error) {
		p := b.payments[payment]
		if p == nil || p.Status != payments.Captured || p.Refunded+amount > p.Amount {
			return nil, payments.ErrConflict
		}
		p.Version++
		if p.Refunded += amount; p.Refunded == p.Amount {
			p.Status = payments.Refunded
		}
		return p, nil
	})
}

func (b *bank) Payment(_ context.Context, payment string) (payments.Payment, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next("ask") == lost {
		return payments.Payment{}, errLost
	}
	if p := b.payments[payment]; p != nil {
		return *p, nil
	}
	return payments.Payment{}, payments.ErrUnknown
}

// decide ends the waiting of the order's payment, if it is pending.
func (b *bank) decide(order tickets.OrderID, to payments.Status) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p, err := b.move("pay-"+string(order), to, payments.Pending); err == nil {
		b.changed(p)
	}
}

// of returns the payment of an order, or nil.
func (b *bank) of(_ context.Context, o tickets.Order) (*payments.Payment, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.payments["pay-"+string(o.ID)]; p != nil {
		copied := *p
		return &copied, nil
	}
	return nil, nil
}
