package curveballs

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/tickets/ticketcode"
	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// Resale is a ticket that was sold on.
var Resale = curveball.Experiment{
	Name:       "resale",
	Question:   "A scalper sells each of six tickets to five people, and gives three of the six back to us. 30 people come to the doors. How many get in?",
	Hypothesis: "Three: a ticket lets in one person, and none once it was given back.",
	Answer: `A QR code is a picture: everybody who has seen it has it. Its signature says that we issued it, and says
the same of each copy. So a door asks the record, which marks the ticket as used in one conditional
update ([CheckIn](adapters/postgres/tickets.go)); the same scan may be repeated, another one may not, and what was given back is
refused. That doesn't keep the seller from getting rich, it only makes the buyer's risk known. What does: a
name on the ticket that is looked at, or that tickets go back to us and from there to the
waiting list, at their price. A door without a network can only check signatures and compare with the
others' lists later.`,
	Expect: curveball.Bands{
		curveball.Between("people let in, of 30", "", 3, 3),
	},
	Control: curveball.With("doors that check signatures", "door", "signature"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := start(ctx, t, rig.Options{})
		if err != nil {
			return err
		}
		const event, copies = "resale", 5
		if err := s.open(ctx, event, nil); err != nil {
			return err
		}
		orders, err := s.buy(ctx, event, 1, 6)
		if err != nil {
			return err
		}
		scalper := orders[0]
		if open, err := s.ended(ctx, event, 15*time.Second); err != nil || open > 0 {
			return fmt.Errorf("%d orders have no end: %w", open, err)
		}
		seed, err := hex.DecodeString(s.secrets["TICKET_SECRET"])
		if err != nil {
			return err
		}
		signer, err := ticketcode.NewSigner(seed)
		if err != nil {
			return err
		}
		issued, err := s.db.Tickets().OfOrder(ctx, scalper.order)
		if err != nil {
			return err
		}
		back := map[string]any{"seats": []any{issued[0].Seat, issued[1].Seat, issued[2].Seat}}
		if err := scalper.hold.by.do(ctx, http.MethodPost, "/api/orders/"+string(scalper.order)+"/refund", back, nil); err != nil {
			return err
		}
		door, err := s.a(ctx, "door")
		if err != nil {
			return err
		}
		t.Phase("five people come with each ticket, to five doors at once")
		var in atomic.Int64
		var doors errgroup.Group
		for _, ticket := range issued {
			code, err := signer.Sign(ticket)
			if err != nil {
				return err
			}
			for n := range copies {
				doors.Go(func() error {
					if t.Option("door", "record") == "signature" {
						_, err := signer.Door().Check(code)
						if err == nil {
							in.Add(1)
						}
						return err
					}
					scan := map[string]any{"event": event, "code": code, "door": fmt.Sprint("door ", n+1)}
					err := door.do(ctx, http.MethodPost, "/api/door/check-in", scan, nil)
					switch {
					case err == nil:
						in.Add(1)
					case !refused(err, "ticket-used") && !refused(err, "ticket-revoked"):
						return err
					}
					return nil
				})
			}
		}
		if err := doors.Wait(); err != nil {
			return err
		}
		t.Figure("people let in, of 30", float64(in.Load()))
		return nil
	},
}
