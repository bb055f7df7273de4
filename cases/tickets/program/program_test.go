package program_test

import (
	"testing"
	"time"

	"designkits/cases/tickets/program"
	"designkits/cases/tickets/venue"
)

func TestShippedEventsCanBeSold(t *testing.T) {
	halls, err := venue.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	events, err := program.Shipped(now)
	if err != nil || len(events) != len(halls) {
		t.Fatal(events, err)
	}
	begun := 0
	for _, e := range events {
		if err := e.Check(halls[e.Venue].Tiers()); err != nil {
			t.Errorf("%s: %v", e.ID, err)
		}
		if clock := e.Starts.In(now.Location()).Format("15:04"); clock != "19:30" {
			t.Errorf("%s begins at %s, want an evening", e.ID, clock)
		}
		if e.OnSale.Before(now) {
			begun++
		}
	}
	if begun == 0 || begun == len(events) {
		t.Errorf("of %d events %d are on sale", len(events), begun)
	}
}
