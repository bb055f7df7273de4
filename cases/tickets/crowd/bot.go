package crowd

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"designkits/cases/tickets/client"
	"designkits/shared/pause"
)

// What bots are like.
const (
	botWork    = 16              // bits that a farm of thousands computes for each account
	botHolds   = 3               // holds that are made to keep seats from others, before one is bought
	botKeeps   = 2 * time.Second // for how long
	botWaits   = 1500 * time.Millisecond
	perAddress = 50 // accounts at one address
)

// beBot waits as long as no rule minds, joins, holds as much as an account may have, lets it go and
// holds again, and buys in the end.
func (p *person) beBot(ctx context.Context) string {
	if !pause.For(ctx, botWaits) {
		return Impatient
	}
	joining := client.Joining{}
	if p.random.IntN(3) == 0 { // fills in every field that there is
		joining.Website = "http://example.com"
	}
	if outcome := p.enter(ctx, joining, botWork); outcome != "" {
		return outcome
	}
	for n := 0; ctx.Err() == nil; {
		hold, err := p.hold(ctx, client.Wish{Best: &client.Best{Seats: p.state.PerAccount}})
		switch {
		case err != nil && p.view.soldOut():
			return SoldOut
		case err != nil:
			pause.For(ctx, 500*time.Millisecond)
			continue
		}
		if n++; n > botHolds {
			if p.pay(ctx, hold, "tok_ok") {
				return Bought
			}
			continue
		}
		if !pause.For(ctx, botKeeps) {
			return Impatient
		}
		p.tally.refused(p.api.Release(ctx, p.cfg.Event, hold.Hold))
	}
	return Impatient
}

// disguise is what a bot sends: some say what they are, the others copy a
// browser, but not all that it sends.
func disguise(n int) http.Header {
	header := http.Header{"User-Agent": {"python-requests/2.32.5"}, "X-Forwarded-For": {address(1<<16 + n/perAddress)}}
	if n%3 != 0 {
		header = browser(0)
		header.Del("Sec-Fetch-Site")
		header.Set("X-Forwarded-For", address(1<<16+n/perAddress))
	}
	return header
}

// address is one of the range that is kept for measurements (RFC 2544), which
// the edge believes from this machine.
func address(n int) string { return fmt.Sprintf("198.%d.%d.%d", 18+n>>16&1, n>>8&255, n&255) }
