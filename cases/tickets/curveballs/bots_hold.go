package curveballs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/tickets"
	"designkits/cases/tickets/bots"
	"designkits/cases/tickets/room"
	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// worth is how much work a place is worth to a program, in bits: 2¹⁸ hashes are
// a tenth of a second of a core, for each account.
const worth = 18

// BotsHold are programs that hold seats, let them go and hold them again.
var BotsHold = curveball.Experiment{
	Name:       "bots-hold",
	Question:   "130 programs hold four seats each and, before the hold ends, let them go and hold them again, for ever: that is the whole theatre. Does anybody else get a seat?",
	Hypothesis: "Yes, all 20 fans: a place in the waiting room costs what looks like a program more than it is worth.",
	Answer: `Holding is free, so who never pays can keep a house empty: to sell the same seats elsewhere, or out of
spite. What bounds it: seats per account whatever it does (AtMost of [Claim](claims.go)), the longest hold, how often
an account may hold anew ([Holds](bots/holds.go)), and that only who was let in can hold at all. With as many accounts
as seats none of that is enough, so the price is put at the door: each trait of a program adds to
a suspicion, and a suspicion costs work ([Suspect](bots/bots.go)). It isn't a wall. A farm that looks
like browsers, from many addresses and slowly enough, pays a little for each; the sheet says how many
seats they could hold of a stadium, and what the work costs them. The programs here give up where a place costs more than 2¹⁸ hashes,
a tenth of a second of a core; those that pay more get in. Who must have none of it sells to names with an identity card.`,
	Expect: curveball.Bands{
		curveball.AtLeast("fans that hold seats, of 20", "", 19),
		curveball.AtMost("seats that programs hold, of 500", "", 50),
	},
	Control: curveball.Without("the defence", "BOT_DEFENCE", "off"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := start(ctx, t, rig.Options{Only: []string{"gate"}, Env: map[string]string{"ADMIT_MIN": "200"}})
		if err != nil {
			return err
		}
		const event, programs, fans = "bots", 130, 20
		if err := s.open(ctx, event, map[string]any{"room": true, "perAccount": 4}); err != nil {
			return err
		}
		if err := s.gateKnows(ctx, event); err != nil {
			return err
		}
		var held atomic.Int64
		seatsFor := func(crowd int, role traits, seats int, keep bool, stop <-chan struct{}) (*errgroup.Group, <-chan int) {
			got := make(chan int, crowd) // one each: how many holds they have
			var all errgroup.Group
			for n := range crowd {
				all.Go(func() error {
					holds, err := s.comeAndHold(ctx, event, role(n), seats)
					if keep {
						held.Add(int64(seats * len(holds)))
					}
					got <- len(holds)
					if err != nil || !keep || len(holds) == 0 {
						return err
					}
					return holds[0].again(ctx, stop)
				})
			}
			return &all, got
		}
		enough := make(chan struct{})
		first, came := seatsFor(programs, program, 4, true, enough)
		for range programs {
			<-came
		}
		t.Phase("the programs have come, and hold %d seats", held.Load())
		then, came := seatsFor(fans, browser, 2, false, enough)
		served := 0
		for range fans {
			served += <-came
		}
		close(enough)
		if err := errors.Join(first.Wait(), then.Wait()); err != nil {
			return err
		}
		t.Figure("fans that hold seats, of 20", float64(served))
		t.Figure("seats that programs hold, of 500", float64(held.Load()))
		return nil
	},
}

// gateKnows waits until the gate has heard of the event.
func (s *site) gateKnows(ctx context.Context, event tickets.EventID) error {
	somebody, err := s.a(ctx, "fan")
	if err != nil {
		return err
	}
	somebody.at = "gate"
	return s.until(ctx, 10*time.Second, func() (bool, error) {
		err := somebody.do(ctx, http.MethodGet, "/api/room/"+string(event), nil, nil)
		if _, answered := errors.AsType[*refusal](err); answered {
			return !refused(err, "no-such-event"), nil // it isn't in the room
		}
		return true, err
	})
}

// Traits are the headers of the n-th of a crowd.
type traits func(n int) [][2]string

// program is one of a farm, behind one address.
func program(int) [][2]string {
	return [][2]string{{"User-Agent", "python-requests/2.32"}, {"X-Forwarded-For", "198.18.0.1"}}
}

// browser is a person's, at an address of their own.
func browser(n int) [][2]string {
	return [][2]string{
		{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
		{"Accept-Language", "de"}, {"Accept-Encoding", "gzip, br"}, {"Sec-Fetch-Site", "same-origin"},
		{"X-Forwarded-For", fmt.Sprint("198.19.0.", n+1)},
	}
}

// comeAndHold goes through the waiting room and holds the best seats. It returns
// no hold where the work is too dear, or nothing is left.
func (s *site) comeAndHold(ctx context.Context, event tickets.EventID, headers [][2]string, seats int) ([]*held, error) {
	fan, err := s.a(ctx, "fan")
	if err != nil {
		return nil, err
	}
	pass, err := fan.queue(ctx, event, headers)
	if err != nil || pass == "" {
		return nil, err
	}
	fan.pass = pass
	hold, err := fan.apart(ctx, event, seats)
	if refused(err, "none-left") || refused(err, "seats-taken") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []*held{hold}, nil
}

// apart holds the best n seats, wherever they are.
func (w *somebody) apart(ctx context.Context, event tickets.EventID, n int) (*held, error) {
	return w.wish(ctx, event, map[string]any{"best": map[string]any{"seats": n, "together": false}})
}

// queue waits to be let in, and returns the pass; none where that costs more
// work than it is worth.
func (w *somebody) queue(ctx context.Context, event tickets.EventID, headers [][2]string) (pass string, err error) {
	gate := *w
	gate.at = "gate"
	var place struct {
		Status room.Status `json:"status"`
		Pass   string      `json:"pass"`
	}
	path, body := "/api/room/"+string(event), map[string]any{}
	for joined := false; !joined; {
		err := gate.do(ctx, http.MethodPost, path, body, &place, headers...)
		problem, ok := errors.AsType[*refusal](err)
		switch {
		case err == nil:
			joined = true
		case ok && problem.Status == http.StatusPreconditionRequired && problem.Challenge.Bits > worth:
			return "", nil
		case ok && problem.Status == http.StatusPreconditionRequired:
			proof, solved := bots.Solve(problem.Challenge, ctx.Done())
			if !solved {
				return "", ctx.Err()
			}
			body["proof"] = proof
		default:
			return "", err
		}
	}
	err = w.site.until(ctx, 20*time.Second, func() (bool, error) {
		if place.Pass != "" {
			return true, nil
		}
		err := gate.do(ctx, http.MethodGet, path, nil, &place, headers...)
		return place.Pass != "", err
	})
	return place.Pass, err
}

// again lets the seats go and holds as many again, once a second.
func (h *held) again(ctx context.Context, stop <-chan struct{}) error {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case <-stop:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-every.C:
		}
		if err := h.by.do(ctx, http.MethodDelete, "/api/events/"+string(h.event)+"/holds/"+h.Hold, nil, nil); err != nil {
			return err
		}
		next, err := h.by.apart(ctx, h.event, len(h.Seats))
		if err != nil { // a fan was faster, or it is told to wait
			if refused(err, "none-left") || refused(err, "seats-taken") || refused(err, "too-many-holds") {
				return nil
			}
			return err
		}
		h = next
	}
}
