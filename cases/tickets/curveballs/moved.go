package curveballs

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/provider"
	"designkits/cases/tickets/venue"
	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// Moved is an event that has to go to another hall, which has fewer seats.
var Moved = curveball.Experiment{
	Name:       "moved",
	Question:   "The concert hall is closed by the fire brigade: an event for which 562 seats are sold there moves to a theatre of 500. Who sits where, and what do the others get?",
	Hypothesis: "Each who fits sits in the tier that was paid for, beside whom it was; the others have their money back, and nobody has two seats or none.",
	Answer: `A move is asked for and then waits: from that moment no order is placed, and those on their way go on to
their end ([Move](move/move.go)). Then all is one transaction ([Do](adapters/postgres/moves.go)): old tickets are worth nothing,
everybody has a seat and a new ticket or a refund that has begun, and the event is in the other hall. So it
can be asked for twice, and a worker can die at any time. Who is seated is decided by who ordered first
([Plan](move/plan.go)); a group that sat together does so again or is refunded whole, since of six friends four
wouldn't come. The refunds are the saga's, as always. Seats of two halls never share a name,
or an old ticket would look like a good one. Whoever changes the name of the hall alone has sold seats that
aren't there, and sells those that are there a second time.`,
	Expect: curveball.Bands{
		curveball.Between("people with a good ticket, for 500 seats", "", 450, 500),
		curveball.AtMost("groups refunded for whom there was room", "", 0),
		curveball.AtMost("good tickets without a seat of their own", "", 0),
		curveball.AtMost("groups torn apart, or in another tier", "", 0),
		curveball.AtMost("disagreements of the books", "", 0),
		curveball.AtMost("orders without an end", "", 0),
	},
	Control: curveball.With("the event's hall renamed", "MOVES", "renamed"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := start(ctx, t, rig.Options{Env: map[string]string{"SLOW_AFTER": "4s"}})
		if err != nil {
			return err
		}
		halls, err := venue.Shipped()
		if err != nil {
			return err
		}
		const event = "moved"
		if err := s.open(ctx, event, map[string]any{"venue": "hall", "prices": map[string]int{"1": 9800, "2": 6900, "3": 3900}}); err != nil {
			return err
		}
		for _, crowd := range []struct {
			fans, each int
			tier       string
		}{{100, 2, "1"}, {50, 4, "1"}, {70, 2, "2"}, {10, 2, "3"}} {
			if err := s.buyIn(ctx, event, crowd.tier, crowd.fans, crowd.each, "tok_ok"); err != nil {
				return err
			}
		}
		if open, err := s.ended(ctx, event, 60*time.Second); err != nil || open > 0 {
			return fmt.Errorf("%d orders have no end before anything is moved: %w", open, err)
		}
		if err := s.buyIn(ctx, event, "1", 1, 2, "tok_slow"); err != nil {
			return err
		}
		t.Phase("562 seats are sold, the last of them being paid for still; the event has to move")
		if err := s.moveTo(ctx, event, "theatre"); err != nil {
			return err
		}
		if err := s.Kill(ctx, "worker"); err != nil {
			return err
		}
		t.Phase("the move was asked for twice, and the worker was killed")
		open, err := s.settled(ctx, event)
		if err != nil {
			return err
		}
		t.Figure("orders without an end", float64(open))
		return s.inspect(ctx, t, event, halls["theatre"])
	},
}

// buyIn makes new fans buy the best seats of a tier.
func (s *site) buyIn(ctx context.Context, event tickets.EventID, tier string, fans, each int, source string) error {
	var buying errgroup.Group
	buying.SetLimit(16)
	for range fans {
		buying.Go(func() error {
			fan, err := s.a(ctx, "fan")
			if err != nil {
				return err
			}
			hold, err := fan.wish(ctx, event, map[string]any{"best": map[string]any{"seats": each, "tier": tier}})
			if err != nil {
				return err
			}
			_, err = hold.pay(ctx, source)
			return err
		})
	}
	return buying.Wait()
}

// moveTo asks twice for the move, as who has lost the answer does.
func (s *site) moveTo(ctx context.Context, event tickets.EventID, to string) error {
	organiser, err := s.a(ctx, "organiser")
	if err != nil {
		return err
	}
	for range 2 {
		err := organiser.do(ctx, http.MethodPost, "/api/events/"+string(event)+"/move", map[string]string{"venue": to}, nil, [2]string{"Idempotency-Key", "the-move"})
		if err != nil && !refused(err, "invalid-input") { // of the control, to which a repetition is another move
			return err
		}
	}
	return nil
}

// settled waits until the event has moved and all its orders have ended.
func (s *site) settled(ctx context.Context, event tickets.EventID) (open int, err error) {
	err = s.until(ctx, 60*time.Second, func() (bool, error) {
		last, err := s.db.Moves().Last(ctx, event)
		return !last.Ended.IsZero(), err
	})
	if err != nil {
		return 0, fmt.Errorf("wait until %s has moved: %w", event, err)
	}
	return s.ended(ctx, event, 60*time.Second)
}

// inspect looks at who has which ticket, and what was paid for it.
func (s *site) inspect(ctx context.Context, t *curveball.Trial, event tickets.EventID, to *venue.Venue) error {
	bank, err := provider.Open(provider.Config{URL: "http://" + s.Addr("payments"), Key: s.secrets["PROVIDER_KEY"]})
	if err != nil {
		return err
	}
	defer bank.Close()
	balance, err := s.db.Books(bank).Event(ctx, event)
	if err != nil {
		return err
	}
	orders, err := s.db.Orders().OfEvent(ctx, event, time.Now().Add(time.Hour), 1000)
	if err != nil {
		return err
	}
	good, without, torn := 0, 0, 0
	owner := map[tickets.SeatID]bool{}
	for _, o := range orders {
		issued, err := s.db.Tickets().OfOrder(ctx, o.ID)
		if err != nil {
			return err
		}
		var seats []tickets.SeatID
		for _, ticket := range issued {
			if !ticket.Revoked.IsZero() {
				continue
			}
			good++
			if to.Section(ticket.Seat) == nil || owner[ticket.Seat] {
				without++
			}
			owner[ticket.Seat] = true
			seats = append(seats, ticket.Seat)
		}
		if len(seats) > 0 && !together(to, o.Lines[0].Tier, seats) {
			torn++
		}
	}
	wrongly := 0
	for _, o := range orders {
		if o.State == tickets.Refunded && longest(to, o.Lines[0].Tier, owner) >= len(o.Lines) {
			wrongly++
		}
	}
	t.Note("%d orders: %d seats sold, %d given back; %s", balance.Orders, balance.Sold, balance.Refunded, strings.Join(balance.Faults, "; "))
	t.Figure("people with a good ticket, for 500 seats", float64(good))
	t.Figure("groups refunded for whom there was room", float64(wrongly))
	t.Figure("good tickets without a seat of their own", float64(without))
	t.Figure("groups torn apart, or in another tier", float64(torn))
	t.Figure("disagreements of the books", float64(len(balance.Faults)))
	return nil
}

// longest is how many seats of a tier are free side by side.
func longest(hall *venue.Venue, tier string, taken map[tickets.SeatID]bool) (most int) {
	for _, section := range hall.Sections {
		for _, row := range section.Rows {
			run := 0
			for _, seat := range row.Seats {
				if run++; taken[seat] || section.Tier != tier {
					run = 0
				}
				most = max(most, run)
			}
		}
	}
	return most
}

// together reports whether the seats are side by side in the hall, in a section of
// that tier.
func together(hall *venue.Venue, tier string, seats []tickets.SeatID) bool {
	low, high := -1, -1
	var row venue.Position
	for _, seat := range seats {
		at, ok := hall.Find(seat)
		if !ok || hall.Sections[at.Section].Tier != tier {
			return false
		}
		if low == -1 {
			low, high, row = at.Seat, at.Seat, at
		}
		if at.Section != row.Section || at.Row != row.Row {
			return false
		}
		low, high = min(low, at.Seat), max(high, at.Seat)
	}
	return high-low == len(seats)-1
}
