package crowd

import (
	"context"
	"net/http"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/bots"
	"designkits/cases/tickets/client"
	"designkits/cases/tickets/room"
	"designkits/shared/pause"
)

// parties are how many come together, in ten.
var parties = []int{1, 2, 2, 2, 2, 3, 3, 4, 4, 4}

// pageWork is how much a page computes: a browser does so many in seconds.
const pageWork = 20

func (p *person) beFan(ctx context.Context) string {
	if !pause.For(ctx, time.Second) || !p.think(ctx) { // reads the page
		return Impatient
	}
	if outcome := p.enter(ctx, client.Joining{}, pageWork); outcome != "" {
		return outcome
	}
	party := min(parties[p.random.IntN(len(parties))], p.state.PerAccount)
	for ctx.Err() == nil {
		hold, ok := p.choose(ctx, &party)
		switch {
		case !ok && p.view.soldOut():
			return SoldOut
		case !ok:
			continue
		case !p.think(ctx): // types in who pays
			return Impatient
		}
		if p.random.Float64() < p.cfg.GiveUp {
			if p.random.IntN(2) == 0 { // else the window is closed, and the hold ends by itself
				p.tally.refused(p.api.Release(ctx, p.cfg.Event, hold.Hold))
			}
			return MindLost
		}
		if p.pay(ctx, hold, p.source()) {
			return Bought
		}
	}
	return Impatient
}

// enter comes through the waiting room, and returns how it left if it didn't.
func (p *person) enter(ctx context.Context, j client.Joining, most int) (outcome string) {
	if !p.state.Room {
		return ""
	}
	joined := false
	for wait := time.Duration(0); pause.For(ctx, wait); {
		wait = time.Second
		if !joined {
			standing, err := p.join(ctx, j, most)
			if client.Is(err, "over") {
				return SoldOut
			}
			if _, asked := client.Challenge(err); asked {
				return TooMuch
			}
			if joined = err == nil; joined {
				p.tally.count(func(f *Figures) { f.Joined++ })
				wait = p.pause(standing)
			}
			continue
		}
		standing, err := p.api.Place(ctx, p.cfg.Event)
		switch {
		case client.Is(err, "no-place"): // Redis has lost its last second
			joined = false
		case err == nil && standing.Status == room.Admitted:
			p.pass = standing.Pass
			p.tally.count(func(f *Figures) { f.Admitted++ })
			return ""
		case err == nil:
			wait = p.pause(standing)
		}
		if p.view.soldOut() {
			return SoldOut
		}
	}
	return Impatient
}

// pause is how long to wait before asking again for the place.
func (p *person) pause(s client.Standing) time.Duration {
	if s.Status == room.Admitted {
		return 0
	}
	if early := time.Until(p.start); early > 0 {
		return early + time.Duration(p.random.IntN(1500))*time.Millisecond
	}
	half := time.Duration(s.WaitSeconds / 2 * float64(time.Second))
	return min(max(half, 500*time.Millisecond), 3*time.Second)
}

// join gets a place, and computes for it if that is no more than most bits. The
// error is the last answer's.
func (p *person) join(ctx context.Context, j client.Joining, most int) (client.Standing, error) {
	standing, err := p.api.Join(ctx, p.cfg.Event, j)
	p.tally.refused(err)
	challenge, asked := client.Challenge(err)
	if !asked || challenge.Bits > most {
		return standing, err
	}
	proof, solved := bots.Solve(challenge, ctx.Done())
	if !solved {
		return standing, ctx.Err()
	}
	j.Proof = &proof
	if standing, err = p.api.Join(ctx, p.cfg.Event, j); err == nil {
		p.tally.count(func(f *Figures) { f.Worked++ })
	}
	p.tally.refused(err)
	return standing, err
}

// choose holds seats: some that the map shows, or the best. A party that finds
// no seats together takes what there is, in the end also fewer; where there are
// none it looks at the map until some are free.
func (p *person) choose(ctx context.Context, party *int) (client.Hold, bool) {
	if !p.think(ctx) {
		return client.Hold{}, false
	}
	wish := client.Wish{Best: &client.Best{Seats: *party, Together: true}}
	if p.random.IntN(10) < 4 {
		if seats := p.view.pick(p.random, *party); seats != nil {
			wish = client.Wish{Seats: seats}
		}
	}
	hold, err := p.hold(ctx, wish)
	if client.Is(err, "none-left") {
		hold, err = p.hold(ctx, client.Wish{Best: &client.Best{Seats: *party}})
		if client.Is(err, "none-left") {
			*party = max(1, *party-1)
			p.view.moves(ctx)
		}
	}
	return hold, err == nil
}

func (p *person) hold(ctx context.Context, wish client.Wish) (client.Hold, error) {
	hold, err := p.api.Hold(ctx, p.cfg.Event, client.NewKey(), p.pass, wish)
	p.tally.refused(err)
	if err == nil {
		p.tally.count(func(f *Figures) { f.Holds++ })
	}
	if client.Is(err, "pass-expired") {
		if standing, lost := p.api.Place(ctx, p.cfg.Event); lost == nil {
			p.pass = standing.Pass
		}
	}
	return hold, err
}

// source is what a fan pays with: who was declined takes another card.
func (p *person) source() string {
	roll := p.random.IntN(100)
	if p.buying == 0 {
		for _, token := range []string{"tok_declined", "tok_slow", "tok_timeout", "tok_late"} {
			if roll -= p.cfg.Sources[token]; roll < 0 {
				return token
			}
		}
	}
	return "tok_ok"
}

// settleWithin bounds how long somebody looks at an order that isn't decided.
const settleWithin = 3 * time.Minute

// pay orders a hold and looks until that has ended. It reports whether there are
// tickets.
func (p *person) pay(ctx context.Context, hold client.Hold, source string) bool {
	order, err := p.api.Order(ctx, p.cfg.Event, client.NewKey(), client.Offer{Hold: hold.Hold, Source: source})
	p.tally.refused(err)
	if err != nil {
		return false
	}
	p.buying++
	p.tally.order(p.kind, order)
	// Who has paid wants to know, however long it takes.
	patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		if ctx.Err() == context.Canceled {
			cancel()
		}
	})
	defer stop()
	for wait := 500 * time.Millisecond; !order.Ended && pause.For(patient, wait); wait = min(wait*3/2, 1500*time.Millisecond) {
		if seen, err := p.api.Look(patient, order.ID); err == nil {
			order = seen
			p.tally.order(p.kind, order)
		}
	}
	return order.State == tickets.Done
}

// browser is what a fan's browser sends.
func browser(n int) http.Header {
	kinds := []http.Header{
		{
			"User-Agent":         {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"},
			"Sec-Ch-Ua":          {`"Chromium";v="140", "Google Chrome";v="140", "Not=A?Brand";v="24"`},
			"Sec-Ch-Ua-Platform": {`"Windows"`}, "Sec-Ch-Ua-Mobile": {"?0"},
		},
		{"User-Agent": {"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"}},
		{"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"}},
	}
	header := kinds[n%len(kinds)]
	header.Set("Accept-Language", "en-GB,en;q=0.9")
	header.Set("Accept-Encoding", "gzip, deflate, br")
	header.Set("Sec-Fetch-Site", "same-origin")
	header.Set("X-Forwarded-For", address(n))
	return header
}
