package curveballs

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"designkits/cases/tickets"
	"designkits/cases/tickets/room"
	"designkits/shared/curveball"
)

// Lottery is a crowd that comes before the sale, programs first.
var Lottery = curveball.Experiment{
	Name:       "lottery",
	Question:   "2,000 come before the sale, 400 programs in the first moment. 200 can be served. Who?",
	Hypothesis: "A share of the programs as large as theirs of the crowd: coming first is worth nothing before the sale begins.",
	Answer: `First-come is fair among people who can be equally fast. Here the first are programs, then people
near the data centre, and the last those whose page was slow to load: whoever is served is chosen by
latency. So who comes before the sale takes part in a lottery ([Lot](room/room.go)): the place is
drawn from the account's name and a secret, the same however often it asks and whatever restarts. After
the start it is first-come, since then there is a queue, and a lottery in it would mean to be
overtaken while one waits. A lottery rewards many accounts instead of fast ones, so an account must
cost something: that is what the work is for.`,
	Expect: curveball.Bands{
		curveball.Between("programs among those let in", "%", 10, 30),
		curveball.Between("of the later half among those let in", "%", 40, 60),
	},
	Control: curveball.With("first-come from the first moment", "policy", "first-come"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := openStores(ctx, t)
		if err != nil {
			return err
		}
		const event, crowd, programs, served = "lottery", 2000, 400, 200
		waiting := s.redis.Room()
		open := func() error {
			t.Phase("the sale begins")
			return waiting.Open(ctx, event)
		}
		if t.Option("policy", "lottery") == "first-come" {
			if err := open(); err != nil { // who comes from now on queues
				return err
			}
		}
		arrival := map[tickets.Account]int{}
		for n := range crowd {
			arrival[tickets.Account(fmt.Sprintf("account-%d", n))] = n
		}
		// The programs' requests are in before the first person's; within each crowd
		// some are on their way at once.
		for _, some := range [][2]int{{0, programs}, {programs, crowd / 2}, {crowd / 2, crowd}} {
			var joins errgroup.Group
			joins.SetLimit(32)
			for n := some[0]; n < some[1]; n++ {
				account := tickets.Account(fmt.Sprintf("account-%d", n))
				joins.Go(func() error {
					_, err := waiting.Join(ctx, event, account, room.Lot([]byte(s.namespace), event, account))
					return err
				})
			}
			if err := joins.Wait(); err != nil {
				return err
			}
		}
		if err := open(); err != nil {
			return err
		}
		token, err := waiting.Guard(ctx, event, "curveball", lasts)
		if err != nil {
			return err
		}
		in, err := waiting.Admit(ctx, event, token, served, served)
		if err != nil {
			return err
		}
		first, late := 0, 0
		for _, account := range in {
			if arrival[account] < programs {
				first++
			}
			if arrival[account] >= crowd/2 {
				late++
			}
		}
		t.Note("of %d let in %d were programs and %d of the later half", len(in), first, late)
		t.Figure("programs among those let in", 100*float64(first)/float64(len(in)))
		t.Figure("of the later half among those let in", 100*float64(late)/float64(len(in)))
		return nil
	},
}
