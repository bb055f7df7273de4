package provider

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/payments"
)

// moves are the ways from status to status. There are no others. A captured
// payment stays so until all of it is given back.
var moves = map[payments.Status][]payments.Status{
	payments.Pending:    {payments.Authorised, payments.Declined},
	payments.Authorised: {payments.Captured, payments.Voided},
	payments.Captured:   {payments.Refunded},
}

// The refusals that payments has no names for.
var (
	errKeyReused = errors.New("the idempotency key was used for another request")
	errFull      = errors.New("the provider has too much to keep or to tell")
)

// A ledger is all that the provider knows. It changes by apply alone, so that
// applying a journal again leads to the same ledger. It belongs to one
// goroutine at a time.
type ledger struct {
	payments map[string]held
	answers  map[string]answer // by idempotency key
	notices  map[string]notice // that nobody has taken yet
	waiting  int               // pending payments

	maxPayments, maxNotices int
}

// held is a payment, and when it will be decided while it is pending.
type held struct {
	payments.Payment
	Decide time.Time `json:"decide,omitzero"`
}

// An answer is what a request with a key was told, for those who repeat it.
type answer struct {
	Key     string           `json:"key"`
	Request string           `json:"request"` // its fingerprint
	At      time.Time        `json:"at"`
	Payment payments.Payment `json:"payment"`
}

// A notice is one that has to be sent, from Due on.
type notice struct {
	payments.Notice
	Due time.Time `json:"due"`
}

// An entry is one line of the journal: a change with all that it causes, so that
// none of it can be lost alone.
type entry struct {
	Payment   *held   `json:"payment,omitempty"` // as it is from now on
	Answer    *answer `json:"answer,omitempty"`
	Notice    *notice `json:"notice,omitempty"`
	Delivered string  `json:"delivered,omitempty"` // a notice that was taken
}

func newLedger() *ledger {
	return &ledger{payments: map[string]held{}, answers: map[string]answer{}, notices: map[string]notice{}}
}

func (l *ledger) apply(e entry) {
	if e.Payment != nil {
		if l.payments[e.Payment.ID].Status == payments.Pending {
			l.waiting--
		}
		if e.Payment.Status == payments.Pending {
			l.waiting++
		}
		l.payments[e.Payment.ID] = *e.Payment
	}
	if e.Answer != nil {
		l.answers[e.Answer.Key] = *e.Answer
	}
	if e.Notice != nil {
		l.notices[e.Notice.ID] = *e.Notice
	}
	delete(l.notices, e.Delivered)
}

// full reports that there is too much to tell to take on more.
func (l *ledger) full() bool { return len(l.notices)+l.waiting >= l.maxNotices }

// added returns a new payment, or errFull.
func (l *ledger) added(h held) (held, error) {
	if len(l.payments) >= l.maxPayments {
		return held{}, errFull
	}
	return h, nil
}

// repeated returns the answer to a request that came before with its key, or
// errKeyReused where that was another request.
func (l *ledger) repeated(key, request string) (a answer, repeated bool, err error) {
	a, repeated = l.answers[key]
	if repeated && a.Request != request {
		return answer{}, false, errKeyReused
	}
	return a, repeated, nil
}

// payment returns a payment, or payments.ErrUnknown.
func (l *ledger) payment(id string) (held, error) {
	h, ok := l.payments[id]
	if !ok {
		return held{}, payments.ErrUnknown
	}
	return h, nil
}

// moved returns a payment as it is after a move, or payments.ErrConflict.
func (l *ledger) moved(id string, to payments.Status) (held, error) {
	h, err := l.payment(id)
	if err != nil {
		return held{}, err
	}
	if !slices.Contains(moves[h.Status], to) {
		return held{}, fmt.Errorf("%w: it is %s, and can't become %s", payments.ErrConflict, h.Status, to)
	}
	h.Status, h.Decide = to, time.Time{}
	h.Version++
	return h, nil
}

// refunded returns a payment as it is after a refund of the amount.
func (l *ledger) refunded(id string, amount tickets.Cents) (held, error) {
	h, err := l.moved(id, payments.Refunded) // from what is captured alone
	if err != nil {
		return held{}, err
	}
	left := h.Amount - h.Refunded
	switch {
	case amount < 0 || amount == 0 && h.Amount > 0:
		return held{}, &tickets.Invalid{Field: "amount", Reason: "must be more than 0"}
	case amount > left:
		return held{}, fmt.Errorf("%w: %d of it are left to refund, not %d", payments.ErrConflict, left, amount)
	}
	if h.Refunded += amount; h.Refunded < h.Amount {
		h.Status = payments.Captured
	}
	return h, nil
}
