package postgres

import (
	"context"

	"designkits/cases/tickets"
	"designkits/cases/tickets/payments"
)

// Believing is an inbox as it is often written, and wrong: an order is what the
// last notice says of its payment, however old that is and however often it
// came. It is the control of an experiment.
type Believing struct{ db *DB }

// Believing returns the wrong inbox.
func (db *DB) Believing() *Believing { return &Believing{db} }

// Notice makes the order's state that of its payment.
func (b *Believing) Notice(ctx context.Context, n payments.Notice) error {
	state, means := map[payments.Status]tickets.OrderState{
		payments.Authorised: tickets.Authorised,
		payments.Captured:   tickets.Captured,
		payments.Declined:   tickets.Cancelled,
		payments.Refunded:   tickets.Refunded,
	}[n.Payment.Status]
	if !means {
		return nil
	}
	return b.db.run(ctx, "believe notice", n.ID, func(ctx context.Context) error {
		_, err := b.db.pool.Exec(ctx, `UPDATE orders SET state = $2, payment = $3, version = version + 1, due = now() WHERE id = $1`,
			n.Payment.Order, state, n.Payment.ID)
		return err
	})
}
