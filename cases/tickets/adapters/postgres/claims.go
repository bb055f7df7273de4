package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"designkits/cases/tickets"
)

// A Strategy is how a claim gets its seats from table seats. All but CheckThenAct
// are right; they differ in who waits for whom.
type Strategy string

// The strategies.
const (
	// ConditionalUpdate updates the rows that are free and looks how many they
	// were. A claim waits for another that has touched a row, and then sees it.
	ConditionalUpdate Strategy = "conditional-update"
	// ForUpdate locks the rows, looks, and updates them.
	ForUpdate Strategy = "for-update"
	// SkipLocked locks the rows that nobody else has locked; one that is locked
	// counts as taken at once. A claim never waits, and may be refused for the
	// sake of one that fails itself.
	SkipLocked Strategy = "skip-locked"
	// AdvisoryLock lets one claim at a time into a section.
	AdvisoryLock Strategy = "advisory-lock"
	// CheckThenAct is wrong: between the look and the update another may come.
	CheckThenAct Strategy = "check-then-act"
)

// Strategies returns the right ones.
func Strategies() []Strategy {
	return []Strategy{ConditionalUpdate, ForUpdate, SkipLocked, AdvisoryLock}
}

// Claims is tickets.Claims on table seats.
type Claims struct {
	db   *DB
	take func(context.Context, pgx.Tx, tickets.Grant) (int64, error)
}

// Claims returns the claims by a strategy.
func (db *DB) Claims(strategy Strategy) (*Claims, error) {
	take, ok := map[Strategy]func(context.Context, pgx.Tx, tickets.Grant) (int64, error){
		ConditionalUpdate: takeFree,
		ForUpdate:         lockThenTake(`ORDER BY seat FOR UPDATE`),
		SkipLocked:        lockThenTake(`ORDER BY seat FOR UPDATE SKIP LOCKED`),
		AdvisoryLock:      takeAlone,
		CheckThenAct:      lockThenTake(``),
	}[strategy]
	if !ok {
		return nil, fmt.Errorf("%q is no strategy: %v", strategy, Strategies())
	}
	return &Claims{db: db, take: take}, nil
}

var _ tickets.Claims = (*Claims)(nil)

// Hold implements tickets.Claims.
func (c *Claims) Hold(ctx context.Context, claim tickets.Claim) (tickets.Grant, error) {
	g := tickets.Grant{Claim: claim}
	// All claims lock in one order, so that no two wait for each other.
	g.Seats = slices.Sorted(slices.Values(claim.Seats))
	err := c.db.run(ctx, "hold for", string(claim.Account), func(ctx context.Context) error {
		return c.db.transaction(ctx, func(tx pgx.Tx) error {
			err := tx.QueryRow(ctx, `SELECT nextval('tokens'), now() + $1::interval`, claim.For).Scan(&g.Token, &g.Until)
			if err != nil {
				return err
			}
			if err := underLimit(ctx, tx, claim); err != nil {
				return err
			}
			taken, err := c.take(ctx, tx, g)
			if err != nil || taken == int64(len(g.Seats)) {
				return err
			}
			return c.whyNot(ctx, tx, &g)
		})
	})
	g.Seats = claim.Seats
	return g, err
}

// underLimit returns an *OverLimit if the account would hold more seats than the
// claim says it may. It lets one claim of an account at a time go on.
func underLimit(ctx context.Context, tx pgx.Tx, claim tickets.Claim) error {
	if claim.AtMost == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('account/' || $1 || '/' || $2, 0))`, claim.Event, claim.Account); err != nil {
		return err
	}
	var has int
	err := tx.QueryRow(ctx, `
		SELECT count(*) FROM seats
		WHERE event = $1 AND account = $2 AND hold <> '' AND until > now() AND until < 'infinity' AND seat <> ALL($3)`,
		claim.Event, claim.Account, claim.Seats).Scan(&has)
	if err == nil && has+len(claim.Seats) > claim.AtMost {
		err = &tickets.OverLimit{Limit: claim.AtMost, Has: has}
	}
	return err
}

// takeFree updates the rows that are free, one by one, since an update of many
// locks them in an order of its own; they go over the line together.
func takeFree(ctx context.Context, tx pgx.Tx, g tickets.Grant) (taken int64, err error) {
	batch := &pgx.Batch{}
	for _, seat := range g.Seats {
		batch.Queue(`UPDATE seats SET hold = $3, account = $4, token = $5, until = $6 WHERE event = $1 AND seat = $2 AND until <= now()`,
			g.Event, seat, g.Hold, g.Account, g.Token, g.Until).Exec(func(done pgconn.CommandTag) error {
			taken += done.RowsAffected()
			return nil
		})
	}
	return taken, tx.SendBatch(ctx, batch).Close()
}

// lockThenTake selects the free rows with a locking clause, and updates them
// without looking again.
func lockThenTake(clause string) func(context.Context, pgx.Tx, tickets.Grant) (int64, error) {
	return func(ctx context.Context, tx pgx.Tx, g tickets.Grant) (int64, error) {
		rows, err := tx.Query(ctx, `SELECT until <= now() FROM seats WHERE event = $1 AND seat = ANY($2) `+clause, g.Event, g.Seats)
		if err != nil {
			return 0, err
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[bool])
		if err != nil || len(found) < len(g.Seats) || slices.Contains(found, false) {
			return 0, err
		}
		done, err := tx.Exec(ctx, `UPDATE seats SET hold = $3, account = $4, token = $5, until = $6 WHERE event = $1 AND seat = ANY($2)`,
			g.Event, g.Seats, g.Hold, g.Account, g.Token, g.Until)
		return done.RowsAffected(), err
	}
}

// takeAlone waits for the lock of each section of the claim.
func takeAlone(ctx context.Context, tx pgx.Tx, g tickets.Grant) (int64, error) {
	_, err := tx.Exec(ctx, `
		SELECT pg_advisory_xact_lock(hashtextextended($1 || '/' || section, 0))
		FROM (SELECT DISTINCT split_part(seat, '/', 1) AS section FROM unnest($2::text[]) AS seat ORDER BY section) AS sections`,
		g.Event, g.Seats)
	if err != nil {
		return 0, err
	}
	return takeFree(ctx, tx, g)
}

// whyNot finds what a claim that didn't get all its seats has come to: a
// repetition of one that was granted, or seats that are taken. The error ends
// the transaction, so that what was touched is free again.
func (c *Claims) whyNot(ctx context.Context, tx pgx.Tx, g *tickets.Grant) error {
	rows, err := tx.Query(ctx, `SELECT seat, hold, token, until FROM seats WHERE event = $1 AND seat = ANY($2) AND until > now()`, g.Event, g.Seats)
	if err != nil {
		return err
	}
	held, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
		Seat  tickets.SeatID
		Hold  tickets.HoldID
		Token int64
		Until pgtype.Timestamptz // infinite where it is sold
	}])
	if err != nil {
		return err
	}
	taken := &tickets.Taken{}
	before, ours := *g, 0
	for _, row := range held {
		switch {
		case row.Hold != g.Hold:
			taken.Seats = append(taken.Seats, row.Seat)
		case row.Token != g.Token: // of an earlier call
			ours++
			before.Token, before.Until = row.Token, row.Until.Time
		}
	}
	switch {
	case ours == len(g.Seats):
		*g = before
		return nil
	case len(taken.Seats) == 0: // locked by one that isn't done yet, or unknown
		taken.Seats = g.Seats
	}
	return taken
}

// Extend implements tickets.Claims.
func (c *Claims) Extend(ctx context.Context, g tickets.Grant, d time.Duration) (tickets.Grant, error) {
	err := c.db.run(ctx, "extend hold", string(g.Hold), func(ctx context.Context) error {
		return c.db.transaction(ctx, func(tx pgx.Tx) error {
			var until time.Time
			if err := tx.QueryRow(ctx, `SELECT now() + $1::interval`, d).Scan(&until); err != nil {
				return err
			}
			if until.After(g.Until) {
				g.Until = until
			}
			return c.holding(ctx, tx, g, g.Until)
		})
	})
	return g, err
}

// ofHold are the rows of a hold that isn't sold, locked in the order of all.
const ofHold = ` FROM (SELECT seat FROM seats WHERE event = $1 AND hold = $2 AND token = $3 AND until < 'infinity' ORDER BY seat FOR UPDATE) AS ours
	WHERE seats.event = $1 AND seats.seat = ours.seat`

// holding sets the end of a hold that isn't over, or returns ErrGone.
func (c *Claims) holding(ctx context.Context, tx pgx.Tx, g tickets.Grant, until any) error {
	done, err := tx.Exec(ctx, `UPDATE seats SET until = greatest(until, $4)`+ofHold+` AND until > now()`, g.Event, g.Hold, g.Token, until)
	if err == nil && int(done.RowsAffected()) < len(g.Seats) {
		return tickets.ErrGone
	}
	return err
}

// Release implements tickets.Claims.
func (c *Claims) Release(ctx context.Context, g tickets.Grant) error {
	return c.db.run(ctx, "release hold", string(g.Hold), func(ctx context.Context) error {
		_, err := c.db.pool.Exec(ctx, `UPDATE seats SET hold = '', until = '-infinity'`+ofHold, g.Event, g.Hold, g.Token)
		return err
	})
}

// Confirm implements tickets.Claims.
func (c *Claims) Confirm(ctx context.Context, g tickets.Grant, order tickets.OrderID) error {
	return c.db.run(ctx, "confirm hold", string(g.Hold), func(ctx context.Context) error {
		return c.db.transaction(ctx, func(tx pgx.Tx) error {
			err := c.holding(ctx, tx, g, "infinity")
			if errors.Is(err, tickets.ErrGone) {
				ours, failed := bought(ctx, tx, g, order)
				if failed != nil || ours { // a repetition
					return failed
				}
			}
			if err != nil {
				return err
			}
			return sell(ctx, tx, g, order)
		})
	})
}

// Refund implements tickets.Claims.
func (c *Claims) Refund(ctx context.Context, event tickets.EventID, order tickets.OrderID, seats []tickets.SeatID) error {
	return c.db.run(ctx, "refund", string(order), func(ctx context.Context) error {
		return c.db.transaction(ctx, func(tx pgx.Tx) error {
			freed, err := refund(ctx, tx, event, order, seats)
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `UPDATE seats SET hold = '', until = '-infinity' WHERE event = $1 AND seat = ANY($2)`, event, freed)
			return err
		})
	})
}

// Seats implements tickets.Claims.
func (c *Claims) Seats(ctx context.Context, event tickets.EventID) (map[tickets.SeatID]tickets.State, error) {
	states := map[tickets.SeatID]tickets.State{}
	err := c.db.run(ctx, "read the seats of", string(event), func(ctx context.Context) error {
		rows, err := c.db.pool.Query(ctx, `SELECT seat, until = 'infinity' FROM seats WHERE event = $1 AND until > now()`, event)
		if err != nil {
			return err
		}
		var seat tickets.SeatID
		var sold bool
		_, err = pgx.ForEachRow(rows, []any{&seat, &sold}, func() error {
			states[seat] = tickets.Held
			if sold {
				states[seat] = tickets.Paid
			}
			return nil
		})
		return err
	})
	return states, err
}
