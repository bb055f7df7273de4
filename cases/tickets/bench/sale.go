package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/provider"
	"designkits/cases/tickets/audit"
	"designkits/cases/tickets/client"
	simulator "designkits/cases/tickets/provider"
	harness "designkits/shared/bench"
	"designkits/shared/fault"
	"designkits/shared/rig"
)

var oversold = harness.Bench{
	Name:  "oversold",
	About: "a stadium of 60,000 seats, 2,000 buyers at once, and everything dies in the middle: seats sold twice or lost",
	Run: func(ctx context.Context, r *harness.Run) (err error) {
		s, err := openStore(ctx, 8)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.close(ctx)) }()
		if err := s.sells(ctx, "stadium", false, 15*time.Second, "evening"); err != nil {
			return err
		}
		c, err := rig.Start(ctx, rig.Options{Namespace: s.namespace, Env: secrets})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, c.Stop(context.WithoutCancel(ctx))) }()
		blocks, err := blocksOf("stadium")
		if err != nil {
			return err
		}
		sale := &sale{store: s, rig: c, blocks: blocks, event: "evening"}
		for _, replica := range []string{"booking-1", "booking-2"} {
			fans, err := client.New("http://" + c.Addr(replica))
			if err != nil {
				return err
			}
			defer fans.Close()
			sale.replicas = append(sale.replicas, fans)
		}
		return sale.run(ctx, r)
	},
}

// A sale is under way while faults happen.
type sale struct {
	*store
	rig      *rig.Case
	replicas []*client.Client
	blocks   [][]tickets.SeatID
	event    tickets.EventID
	// asked and held count the seats of all visits; one that many ask for counts
	// for each.
	asked, held atomic.Int64

	mu      sync.Mutex
	history []op                         // of the sampled seats
	mine    map[tickets.Account]purchase // whose order the books may have
	started time.Time
}

// A purchase is of seats of the sample; By is the key of the hold.
type purchase struct {
	by    string
	seats []tickets.SeatID
	at    time.Time
}

const (
	// hot is how many blocks, the first of the stadium, are asked for by name
	// and by many; their seats are the sample.
	hot = 200
	// clockDoubt is how far a hold's end, by Redis, may seem off here: the API
	// tells it in ms, and extends a hold by its order at any time.
	clockDoubt = 100 * time.Millisecond
)

func (s *sale) run(ctx context.Context, r *harness.Run) error {
	s.mine = map[tickets.Account]purchase{}
	crowd, long := 2000, 60*time.Second
	if r.Quick {
		crowd, long = 200, 20*time.Second
	}
	faults, err := fault.Open()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*long+2*time.Minute)
	defer cancel()
	s.started = time.Now()
	closing, closes := context.WithTimeout(ctx, long)
	defer closes()
	all, buying := errgroup.WithContext(ctx)
	for range crowd {
		all.Go(func() error {
			for closing.Err() == nil && buying.Err() == nil {
				s.buy(buying)
			}
			return nil
		})
	}
	all.Go(func() error { return s.kill(buying, r, faults, long) })
	if err := all.Wait(); err != nil {
		return err
	}
	balance, err := s.settle(ctx, r)
	if err != nil {
		return err
	}
	bad, err := impossible(s.history, time.Minute)
	for _, seat := range bad {
		balance.Faults = append(balance.Faults, fmt.Sprintf("seat %s has a history that can't be: %v", seat, s.of(seat)))
	}
	for _, sentence := range balance.Faults[:min(len(balance.Faults), 20)] {
		r.Logf("%s", sentence)
	}
	r.Report(harness.Result{
		Name: "oversold", Value: float64(len(balance.Faults)),
		Note: fmt.Sprintf("seats sold twice, lost, or with a history that can't be, by the books, the log of events and porcupine (%d ops on %d seats). "+
			"%d buyers, each of whom waits for its tickets before it asks again, asked %d times for one of %d seats in the %s, held %d and bought %d; %d orders, %d cancelled",
			len(s.history), sampled(s.history), crowd, s.asked.Load(), s.seats(), long, s.held.Load(), balance.Sold, balance.Orders, balance.Cancelled),
	}, harness.AtMost(0))
	return err
}

// seats is how many there are.
func (s *sale) seats() (n int) {
	for _, block := range s.blocks {
		n += len(block)
	}
	return n
}

func sampled(history []op) int {
	seats := map[tickets.SeatID]bool{}
	for _, o := range history {
		seats[o.Seat] = true
	}
	return len(seats)
}

func (s *sale) of(seat tickets.SeatID) string {
	var ops []string
	for _, o := range s.history {
		if o.Seat == seat {
			ops = append(ops, fmt.Sprintf("%s %.8s %.2f-%.2f", o.What, o.By, o.Call.Sub(s.started).Seconds(), o.Return.Sub(s.started).Seconds()))
		}
	}
	return strings.Join(ops, ", ")
}

// kill ends Redis, the worker twice, and PostgreSQL, each at a part of the sale.
func (s *sale) kill(ctx context.Context, r *harness.Run, faults *fault.Client, long time.Duration) error {
	worker := func(ctx context.Context) error { return s.rig.Kill(ctx, "worker") }
	for n, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"the worker is killed", worker},
		{"Redis is killed", func(ctx context.Context) error {
			began := time.Now()
			err := errors.Join(faults.Kill(ctx, "redis"), faults.Restart(context.WithoutCancel(ctx), "redis"))
			for _, block := range s.blocks[:hot] {
				for _, seat := range block {
					s.note(op{seat, crashed, "", began, time.Now()})
				}
			}
			return err
		}},
		{"PostgreSQL is restarted", func(ctx context.Context) error { return faults.Restart(context.WithoutCancel(ctx), "postgres") }},
		{"the worker is killed again", worker},
	} {
		select {
		case <-time.After(time.Until(s.started.Add(long * time.Duration(n+1) / 6))):
		case <-ctx.Done():
			return ctx.Err()
		}
		r.Logf("%.0f s: %s", time.Since(s.started).Seconds(), step.what)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

func (s *sale) note(ops ...op) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history = append(s.history, ops...)
}

// noteAll notes an op of each seat.
func (s *sale) noteAll(seats []tickets.SeatID, what, by string, call, ret time.Time) {
	for _, seat := range seats {
		s.note(op{seat, what, by, call, ret})
	}
}

// far is later than anything that happens.
func (s *sale) far() time.Time { return s.started.Add(time.Hour) }

// buy is one fan's visit: seats of the hot blocks by name, or the best of the
// upper ring, where nothing is sampled. Of those who get some, some walk away,
// some give them back, and the others buy them and wait for their tickets.
func (s *sale) buy(ctx context.Context) {
	account, token := newFan()
	fan := s.replicas[rand.IntN(len(s.replicas))].As(token)
	wish, sample := client.Wish{Best: &client.Best{Seats: 1 + rand.IntN(4), Section: fmt.Sprint("upper-", 1+rand.IntN(40)), Together: true}}, rand.IntN(4) == 0
	if sample {
		wish = client.Wish{Seats: s.blocks[rand.IntN(hot)]}
	}
	wanted := int64(len(wish.Seats))
	if wish.Best != nil {
		wanted = int64(wish.Best.Seats)
	}
	s.asked.Add(wanted)
	by, call := client.NewKey(), time.Now()
	hold, err := fan.Hold(ctx, s.event, by, "", wish)
	now := time.Now()
	if err == nil {
		s.held.Add(wanted)
	}
	switch {
	case err == nil && sample:
		s.noteAll(wish.Seats, granted, by, call, now)
	case err == nil:
	case client.Is(err, "seats-taken") && sample:
		s.noteAll(named(err, wish.Seats), refused, by, call, now)
		return
	case client.Is(err, "seats-taken", "orphan-seat", "none-left"):
		return
	default: // nobody answered
		if sample {
			s.noteAll(wish.Seats, unknown, by, call, s.far())
			s.noteAll(wish.Seats, ended, by, call, s.far())
		}
		return
	}
	switch rand.IntN(8) {
	case 0: // it ends by itself
		if sample {
			s.noteAll(wish.Seats, ended, by, hold.Until.Add(-clockDoubt), hold.Until.Add(clockDoubt))
		}
	case 1:
		call, ret := time.Now(), s.far()
		if fan.Release(ctx, s.event, hold.Hold) == nil {
			ret = time.Now()
		}
		if sample {
			s.noteAll(wish.Seats, ended, by, call, ret)
		}
	default:
		if sample {
			s.mu.Lock()
			s.mine[account] = purchase{by, wish.Seats, time.Now()}
			s.mu.Unlock()
		}
		s.order(ctx, fan, hold)
	}
}

// order buys the seats of a hold, and waits until that has ended. How it has the
// books tell afterwards.
func (s *sale) order(ctx context.Context, fan *client.Client, hold client.Hold) {
	placed := time.Now()
	order, err := fan.Order(ctx, s.event, client.NewKey(), client.Offer{Hold: hold.Hold, Source: "tok_ok"})
	if err != nil {
		return
	}
	every := time.NewTicker(3 * time.Second)
	defer every.Stop()
	for !order.Ended {
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
		if latest, err := fan.Look(ctx, order.ID); err == nil {
			order = latest
		} else if time.Since(placed) > 30*time.Second {
			return // the books tell
		}
	}
}

// named are those of the seats that a refusal names.
func named(refusal error, seats []tickets.SeatID) (taken []tickets.SeatID) {
	words := strings.FieldsFunc(refusal.Error(), func(c rune) bool { return strings.ContainsRune(" ,:[];", c) })
	for _, seat := range seats {
		for _, word := range words {
			if word == string(seat) {
				taken = append(taken, seat)
				break
			}
		}
	}
	return taken
}

// settle waits until no order is under way, audits the books, and notes how the
// orders of the sample have ended.
func (s *sale) settle(ctx context.Context, r *harness.Run) (audit.Balance, error) {
	every := time.NewTicker(2 * time.Second)
	defer every.Stop()
	for {
		orders, left, err := s.orders(ctx)
		if err != nil {
			return audit.Balance{}, err
		}
		if left == 0 {
			s.noteEnds(orders)
			break
		}
		r.Logf("%d orders are under way", left)
		select {
		case <-every.C:
		case <-ctx.Done():
			return audit.Balance{}, fmt.Errorf("%d orders are under way still: %w", left, ctx.Err())
		}
	}
	url := "http://" + s.rig.Addr("payments")
	// Thousands of payments are looked up, one after the other.
	if err := simulator.Behave(ctx, url, secret, map[string]any{"latency": "0s", "latency99": "0s"}); err != nil {
		return audit.Balance{}, err
	}
	bank, err := provider.Open(provider.Config{URL: url, Key: secret})
	if err != nil {
		return audit.Balance{}, err
	}
	defer bank.Close()
	return s.db.Books(bank).Event(ctx, s.event)
}

// noteEnds notes how the purchases of the sample have ended.
func (s *sale) noteEnds(orders map[tickets.Account]tickets.Order) {
	for account, p := range s.mine {
		switch order, placed := orders[account]; {
		case !placed: // nobody answered, and the hold may have been extended
			s.noteAll(p.seats, ended, p.by, p.at, s.far())
		case order.State == tickets.Done:
			s.noteAll(p.seats, bought, p.by, p.at, time.Now())
		default:
			s.noteAll(p.seats, ended, p.by, p.at, time.Now())
		}
	}
}

// orders are all by account, each of which has one, and how many are under way.
func (s *sale) orders(ctx context.Context) (all map[tickets.Account]tickets.Order, left int, err error) {
	const perRead = 500
	all = map[tickets.Account]tickets.Order{}
	for before := time.Now().Add(time.Hour); ; {
		page, err := s.db.Orders().OfEvent(ctx, s.event, before, perRead)
		if err != nil {
			return nil, 0, err
		}
		for _, o := range page {
			all[o.Grant.Account] = o
			before = o.Placed
			if !o.State.Ended() {
				left++
			}
		}
		if len(page) < perRead {
			return all, left, nil
		}
	}
}
