package crowd

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/bots"
	"designkits/cases/tickets/client"
)

// The defence is measured on this crowd, so its fans must look like people to
// every rule and its bots must not.
func TestFansLookLikePeopleAndBotsDoNot(t *testing.T) {
	for n := range 6 {
		if s, by := suspect(browser(n)); s != 0 {
			t.Errorf("fan %d is suspected by %v", n, by)
		}
		if s, _ := suspect(disguise(n)); s == 0 {
			t.Errorf("bot %d isn't suspected", n)
		}
	}
	if browser(0).Get("X-Forwarded-For") == browser(1).Get("X-Forwarded-For") || disguise(0).Get("X-Forwarded-For") != disguise(1).Get("X-Forwarded-For") {
		t.Error("fans come from an address each, bots from a few")
	}
}

func suspect(h http.Header) (int, []string) {
	return bots.Suspect(bots.Traits{Header: h, Age: time.Minute, Tries: bots.Tries{Account: 1, Device: 1, Address: 1}}, bots.Rules)
}

func TestOnlyWhatTheMapShowsFreeIsPicked(t *testing.T) {
	v := &view{}
	row := func(state string) {
		v.layout = client.Layout{Sections: []client.Section{{ID: "stalls", Rows: []client.Row{{Name: "A", Seats: len(state)}}}}}
		v.show(client.Seats{Rows: map[string][]string{"stalls": {state}}})
	}
	random := rand.New(rand.NewPCG(1, 1))
	row("sh.s..h")
	got := v.pick(random, 2)
	if len(got) != 2 || got[0] != tickets.SeatID("stalls/A/5") || got[1] != tickets.SeatID("stalls/A/6") {
		t.Errorf("picked %v of sh.s..h", got)
	}
	if got := v.pick(random, 3); got != nil {
		t.Errorf("picked %v where no three are free together", got)
	}
	for state, want := range map[string]struct{ free, soldOut bool }{"sss": {false, true}, "sshs": {false, false}, "ss.": {true, false}} {
		if row(state); v.free != want.free || v.soldOut() != want.soldOut {
			t.Errorf("%s: something is free: %v, sold out: %v", state, v.free, v.soldOut())
		}
	}
}

func TestAnOrderCountsOnceHoweverOftenItIsSeen(t *testing.T) {
	tally := newTally()
	o := client.Order{ID: "o1", State: tickets.Placed}
	tally.order("bot", o)
	o.State, o.Ended, o.Tickets = tickets.Done, true, make([]client.Ticket, 3)
	tally.order("bot", o)
	tally.order("bot", o)
	tally.order("fan", client.Order{ID: "o2", State: tickets.Done, Ended: true, Tickets: make([]client.Ticket, 1)})
	tally.order("fan", client.Order{ID: "o3", State: tickets.Cancelled, Ended: true})
	f := tally.figures()
	if f.Orders != 3 || f.Done != 2 || f.Undone != 1 || f.Seats["bot"] != 3 || f.BotShare() != 0.75 {
		t.Errorf("%+v, bots %v", f, f.BotShare())
	}
}
