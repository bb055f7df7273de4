package curveballs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"designkits/cases/tickets"
	"designkits/shared/curveball"
)

// lasts is longer than any trial.
const lasts = 5 * time.Minute

// ClockJumps is the clock of Redis's host that jumps ahead by an hour.
var ClockJumps = curveball.Experiment{
	Name:       "clock-jumps",
	Question:   "Somebody sets the clock of Redis's host an hour ahead while 100 fans pay for what they hold. Who gets the seats?",
	Hypothesis: "Every hold is over at once and others get the seats, but none is sold to both: the later token wins.",
	Answer: `All holds are over in that moment, and no store that frees by time can help it: those who were paying
lose to whoever came next, and their money is let go. What a wrong clock must never do is sell a seat
twice. [Confirm](adapters/redis/claims.go) asks Redis whether the hold is over and then the record, whose index
knows one sale a seat, and which takes no token lower than one it has seen. A clock that goes
back frees seats late, and the tokens go on rising, since each is at least the last one plus one. A lock
with a time to live and nothing behind it sells both. (Redis keeps each end as a time: the jump is made
by taking an hour off all of them, which is the same to it.)`,
	Expect: curveball.Bands{
		curveball.AtMost("seats sold twice, of 100", "", 0),
		curveball.AtLeast("seats sold", "", 100),
	},
	Control: curveball.With("a lock with a TTL alone", "CLAIMS", "setnx"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := openStores(ctx, t)
		if err != nil {
			return err
		}
		var claims tickets.Claims = s.redis.Claims(s.db.Sales())
		if t.Option("CLAIMS", "redis-lua") == "setnx" {
			claims = s.redis.SetNX()
		}
		const event, seats = "clock", 100
		hold := func(who string) (grants []tickets.Grant, err error) {
			for n := range seats {
				g, err := claims.Hold(ctx, tickets.Claim{
					Hold: tickets.HoldID(fmt.Sprint(who, n)), Event: event, Account: tickets.Account(fmt.Sprint(who, n)),
					Seats: []tickets.SeatID{tickets.SeatID(fmt.Sprint("stalls/A/", n+1))}, For: 2 * time.Minute,
				})
				if err != nil {
					return nil, err
				}
				grants = append(grants, g)
			}
			return grants, nil
		}
		first, err := hold("first")
		if err != nil {
			return err
		}
		t.Phase("the clock of Redis's host jumps an hour ahead")
		if err := s.ageBy(ctx, time.Hour); err != nil {
			return err
		}
		second, err := hold("second")
		if err != nil {
			return err
		}
		// Everybody pays, those who came first last.
		buyers := map[tickets.SeatID]int{}
		for _, g := range append(second, first...) {
			err := claims.Confirm(ctx, g, tickets.OrderID("order-"+string(g.Hold)))
			switch {
			case err == nil:
				buyers[g.Seats[0]]++
			case !tickets.Expected(err):
				return err
			}
		}
		twice := 0
		for _, n := range buyers {
			if n > 1 {
				twice++
			}
		}
		t.Figure("seats sold twice, of 100", float64(twice))
		t.Figure("seats sold", float64(len(buyers)))
		return nil
	},
}

// ageBy makes everything that Redis keeps for a while end earlier: the ends that
// are in values, and those of keys.
func (s *stores) ageBy(ctx context.Context, d time.Duration) error {
	keys, err := s.keys(ctx)
	if err != nil {
		return err
	}
	for _, key := range keys {
		end, err := s.raw.PExpireTime(ctx, key).Result()
		if err != nil {
			return fmt.Errorf("when %s ends: %w", key, err)
		}
		if end > 0 { // it ends at all
			if err := s.raw.PExpireAt(ctx, key, time.UnixMilli(end.Milliseconds()).Add(-d)).Err(); err != nil {
				return fmt.Errorf("end %s earlier: %w", key, err)
			}
		}
		if !strings.HasSuffix(key, "}:seats") {
			continue
		}
		seats, err := s.raw.HGetAll(ctx, key).Result()
		if err != nil {
			return fmt.Errorf("read %s: %w", key, err)
		}
		for seat, value := range seats {
			until, rest, _ := strings.Cut(value, " ")
			ms, err := strconv.ParseInt(until, 10, 64)
			if err != nil {
				return errors.Join(fmt.Errorf("seat %s of %s is %q, which is no hold", seat, key, value), err)
			}
			if err := s.raw.HSet(ctx, key, seat, fmt.Sprint(ms-d.Milliseconds(), " ", rest)).Err(); err != nil {
				return fmt.Errorf("age %s: %w", key, err)
			}
		}
	}
	return nil
}
