// Package program is the events that come with the case: an evening in each of
// the shipped halls. Their sales begin at a time after the first start, so that
// there is always one that has begun and one to wait for.
package program

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"designkits/cases/tickets"
)

//go:embed data/events.json
var data []byte

// An event's form in the file.
type event struct {
	ID         tickets.EventID          `json:"id"`
	Name       string                   `json:"name"`
	Venue      string                   `json:"venue"`
	Room       bool                     `json:"room"`
	OnSaleIn   string                   `json:"onSaleIn"` // after the first start
	StartsIn   string                   `json:"startsIn"` // in the evening of that day
	Currency   string                   `json:"currency"`
	Prices     map[string]tickets.Cents `json:"prices"`
	PerAccount int                      `json:"perAccount"`
	HoldFor    string                   `json:"holdFor"`
	MaxHold    string                   `json:"maxHold"`
}

// Shipped returns the events as they are when the case is first started now.
func Shipped(now time.Time) ([]tickets.Event, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var file []event
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("the shipped events: %w", err)
	}
	var events []tickets.Event
	for _, f := range file {
		e := tickets.Event{
			ID: f.ID, Name: f.Name, Venue: f.Venue, Room: f.Room, Currency: f.Currency, Prices: f.Prices, PerAccount: f.PerAccount,
		}
		var onSale, starts time.Duration
		for _, d := range []struct {
			text string
			into *time.Duration
		}{{f.OnSaleIn, &onSale}, {f.StartsIn, &starts}, {f.HoldFor, &e.HoldFor}, {f.MaxHold, &e.MaxHold}} {
			var err error
			if *d.into, err = time.ParseDuration(d.text); err != nil {
				return nil, fmt.Errorf("the shipped event %s: %w", f.ID, err)
			}
		}
		e.OnSale, e.Starts = now.Add(onSale).UTC(), evening(now.Add(starts)).UTC()
		events = append(events, e)
	}
	return events, nil
}

// evening is half past seven of a day, where the case runs.
func evening(day time.Time) time.Time {
	y, m, d := day.Date()
	return time.Date(y, m, d, 19, 30, 0, 0, day.Location())
}
