package httpapi

import (
	"context"
	"crypto/rand"
	"maps"
	"net/http"
	"strings"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/move"
	"designkits/shared/httpjson"
)

// Moves takes events to other halls: the part of move.Store that is asked from
// here. A worker does the rest.
type Moves interface {
	Ask(ctx context.Context, r tickets.Request, m move.Move, seats []tickets.SeatID) (move.Move, error)
	Last(ctx context.Context, event tickets.EventID) (move.Move, error)
}

// A moveJSON is a move as the organiser sees it.
type moveJSON struct {
	Event    tickets.EventID          `json:"event"`
	From     string                   `json:"from"`
	To       string                   `json:"to"`
	Prices   map[string]tickets.Cents `json:"prices"`
	Asked    time.Time                `json:"asked"`
	Ended    *time.Time               `json:"ended,omitempty"` // not while it waits for orders on their way
	Seated   int                      `json:"seated"`          // orders
	Refunded int                      `json:"refunded"`
	Reason   string                   `json:"reason,omitempty"` // why it was given up
}

func moveOf(m move.Move) moveJSON {
	answer := moveJSON{Event: m.Event, From: m.From, To: m.To, Prices: m.Prices, Asked: m.Asked, Seated: m.Seated, Refunded: m.Refunded, Reason: m.Reason}
	if !m.Ended.IsZero() {
		answer.Ended = &m.Ended
	}
	return answer
}

// move closes the sale of an event until it has moved to another hall.
func (s *Server) move(w http.ResponseWriter, r *http.Request) error {
	who, err := s.as(r, identity.Organiser)
	if err != nil {
		return err
	}
	hall, err := s.Halls.Hall(tickets.EventID(r.PathValue("event")))
	if err != nil {
		return err
	}
	var ask struct {
		Venue  string                   `json:"venue"`
		Prices map[string]tickets.Cents `json:"prices"` // those that it has, where a tier is in both halls
	}
	request, err := s.readKeyed(w, r, who, &ask)
	if err != nil {
		return err
	}
	to := s.Halls.Venue(ask.Venue)
	if to == nil {
		return &tickets.Invalid{Field: "venue", Reason: "there is no venue of that name"}
	}
	if !s.Clock().Before(hall.Starts) {
		return &notOnSale{from: hall.OnSale}
	}
	moved := hall.Event
	moved.Venue, moved.Prices = to.ID, map[string]tickets.Cents{}
	for _, tier := range to.Tiers() {
		if price, ok := hall.Prices[tier]; ok {
			moved.Prices[tier] = price
		}
	}
	maps.Copy(moved.Prices, ask.Prices)
	if err := moved.Check(to.Tiers()); err != nil {
		return err
	}
	asked, err := s.Moves.Ask(r.Context(), request, move.Move{ID: "m" + strings.ToLower(rand.Text()), Event: hall.ID, To: to.ID, Prices: moved.Prices}, to.All())
	if err != nil {
		return err
	}
	if err := s.Halls.Refresh(r.Context()); err != nil {
		return err
	}
	return httpjson.Write(w, http.StatusAccepted, moveOf(asked))
}

// lastMove says how far the event's latest move is.
func (s *Server) lastMove(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.as(r, identity.Organiser); err != nil {
		return err
	}
	last, err := s.Moves.Last(r.Context(), tickets.EventID(r.PathValue("event")))
	if err != nil {
		return err
	}
	return httpjson.Write(w, http.StatusOK, moveOf(last))
}
