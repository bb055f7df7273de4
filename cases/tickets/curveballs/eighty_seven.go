package curveballs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"designkits/cases/tickets"
	"designkits/cases/tickets/room"
	"designkits/shared/curveball"
)

// EightySeven is how many want each seat, a thousandth of them.
var EightySeven = curveball.Experiment{
	Name:       "eighty-seven",
	Question:   "13 million people want 150,000 seats, as in Mumbai in 2024. Here a thousandth of both: how many claims reach the seats for each that can be granted?",
	Hypothesis: "Hardly more than one: the others wait, each as a hundred bytes, and are told that it is over.",
	Answer: `Of 87 who come 86 won't get in, whatever we build, so what counts is what they cost. A queue's entry is a
name and a number: 1.6 GB for all 13 million ([Room](room/room.go)), and their places are not looked up but worked out from how
far the queue has come. Let in are as many as can choose, and nobody while all is sold ([SoldOut](room/calendar.go)): so the seats see about as many
claims as there are orders, on an ordinary server, and people hear it in the queue and not after an hour
of clicking. Without a room each of them is at the seats at once, and nearly all of the work is saying "taken". The
[sheet](#capacity) takes these numbers as inputs: gates are what grows with the crowd, since each holds open so many pages.`,
	Expect: curveball.Bands{
		curveball.AtMost("claims per claim granted", "", 2),
		curveball.AtMost("memory of a queue of 13 million", "GB", 2),
	},
	Control: curveball.Without("a waiting room", "room", "off"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := openStores(ctx, t)
		if err != nil {
			return err
		}
		const event, people, groups, together = "mumbai", 13_000, 75, 2
		waiting, claims := s.redis.Room(), s.redis.Claims(s.db.Sales())
		var crowd []tickets.Account
		for n := range people {
			crowd = append(crowd, tickets.Account(fmt.Sprintf("%026d", n))) // as long as an account is
		}
		if err := each(crowd, func(account tickets.Account) error {
			_, err := waiting.Join(ctx, event, account, room.Lot([]byte(s.namespace), event, account))
			return err
		}); err != nil {
			return err
		}
		bytes, err := s.memory(ctx)
		if err != nil {
			return err
		}
		t.Phase("%d wait, with %d bytes each; the sale begins", people, bytes/people)
		var claimed, granted atomic.Int64
		claim := func(account tickets.Account, group int) error {
			c := tickets.Claim{Hold: tickets.HoldID(account), Event: event, Account: account, For: lasts, AtMost: together}
			for n := range together {
				c.Seats = append(c.Seats, tickets.SeatID(fmt.Sprintf("stand/%d/%d", group, n+1)))
			}
			claimed.Add(1)
			_, err := claims.Hold(ctx, c)
			if _, taken := errors.AsType[*tickets.Taken](err); taken {
				return nil
			}
			if err == nil {
				granted.Add(1)
			}
			return err
		}
		if t.Option("room", "on") == "off" {
			// Everybody is at the seats, and all of them see the same map: empty.
			err = each(crowd, func(account tickets.Account) error { return claim(account, rand.IntN(groups)) })
		} else {
			err = s.letIn(ctx, event, func(in []tickets.Account) (more bool, err error) {
				var next atomic.Int64
				next.Store(granted.Load())
				err = each(in, func(account tickets.Account) error { return claim(account, int(next.Add(1)-1)%groups) })
				return granted.Load() < groups, err
			})
		}
		if err != nil {
			return err
		}
		t.Note("%d claims, %d granted", claimed.Load(), granted.Load())
		t.Figure("claims per claim granted", float64(claimed.Load())/float64(max(granted.Load(), 1)))
		t.Figure("memory of a queue of 13 million", float64(bytes)/people*13e6/1e9)
		return nil
	},
}

// each does something for each of them, some at a time.
func each(crowd []tickets.Account, do func(tickets.Account) error) error {
	var all errgroup.Group
	all.SetLimit(connections)
	for _, account := range crowd {
		all.Go(func() error { return do(account) })
	}
	return all.Wait()
}

// letIn begins the sale and lets in ten at a time for as long as they find seats.
func (s *stores) letIn(ctx context.Context, event tickets.EventID, come func(in []tickets.Account) (more bool, err error)) error {
	waiting := s.redis.Room()
	if err := waiting.Open(ctx, event); err != nil {
		return err
	}
	token, err := waiting.Guard(ctx, event, "curveball", lasts)
	if err != nil {
		return err
	}
	for more := true; more; {
		in, err := waiting.Admit(ctx, event, token, 10, 10)
		if err != nil {
			return err
		}
		if more, err = come(in); err != nil {
			return err
		}
		more = more && len(in) > 0
	}
	return nil
}

// memory is what Redis keeps in the namespace, in bytes.
func (s *stores) memory(ctx context.Context) (sum int64, err error) {
	keys, err := s.keys(ctx)
	if err != nil {
		return 0, err
	}
	for _, key := range keys {
		n, err := s.raw.MemoryUsage(ctx, key, 0).Result()
		if err != nil {
			return 0, fmt.Errorf("memory of %s: %w", key, err)
		}
		sum += n
	}
	return sum, nil
}
