package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/receipt"
	"designkits/cases/tickets/seatmap"
	"designkits/shared/httpjson"
	"designkits/shared/peer"
)

// A holdJSON is a hold as its fan sees it.
type holdJSON struct {
	Hold     string          `json:"hold"` // signed; what the other calls ask for
	Event    tickets.EventID `json:"event"`
	Seats    []lineJSON      `json:"seats"`
	Total    tickets.Cents   `json:"total"`
	Currency string          `json:"currency"`
	Until    time.Time       `json:"until"`
	Latest   time.Time       `json:"latest"` // it can't be extended beyond
}

type lineJSON struct {
	Seat  tickets.SeatID `json:"seat"`
	Tier  string         `json:"tier"`
	Price tickets.Cents  `json:"price"`
}

// A wish is the body of a request for seats: some by name, or the best.
type wish struct {
	Seats []tickets.SeatID `json:"seats"`
	Best  *struct {
		Seats    int    `json:"seats"`
		Section  string `json:"section"`
		Tier     string `json:"tier"`
		Together *bool  `json:"together"` // default true
	} `json:"best"`
}

// hold holds seats for a fan.
func (s *Server) hold(w http.ResponseWriter, r *http.Request) error {
	began := time.Now()
	who, hall, err := s.buyer(r)
	if err != nil {
		return err
	}
	var ask wish
	request, err := s.readKeyed(w, r, who, &ask)
	if err != nil {
		return err
	}
	if (len(ask.Seats) > 0) == (ask.Best != nil) {
		return &tickets.Invalid{Field: "seats", Reason: "name seats, or ask for the best, and not both"}
	}
	claim := tickets.Claim{Hold: holdID(request, hall.ID), Event: hall.ID, Account: who.Account, For: hall.HoldFor, AtMost: hall.PerAccount}
	var mine receipt.Receipt
	if ask.Best == nil {
		claim.Seats = ask.Seats
		mine, err = s.holdNamed(r.Context(), hall, request, claim)
	} else {
		best := seatmap.Wish{Seats: ask.Best.Seats, Section: ask.Best.Section, Tier: ask.Best.Tier, Together: ask.Best.Together == nil || *ask.Best.Together}
		mine, err = s.holdBest(r.Context(), hall, request, claim, best)
	}
	s.latency.took(time.Since(began), err)
	if err != nil {
		return err
	}
	if err := s.Holds.Held(r.Context(), hall.ID, who.Account, peer.Network(peer.Address(r, s.Trusted)), r.Header); err != nil {
		s.Log.WarnContext(r.Context(), "a hold is granted and not counted", "error", err.Error())
	}
	return s.answerHold(w, http.StatusCreated, hall, mine)
}

// buyer returns who asks and the event, if that account may buy there now.
func (s *Server) buyer(r *http.Request) (identity.Session, *seatmap.Hall, error) {
	who, err := s.as(r, identity.Fan)
	if err != nil {
		return who, nil, err
	}
	hall, err := s.Halls.Hall(tickets.EventID(r.PathValue("event")))
	if err != nil {
		return who, nil, err
	}
	switch now := s.Clock(); {
	case now.Before(hall.OnSale):
		return who, nil, &notOnSale{from: hall.OnSale, wait: hall.OnSale.Sub(now)}
	case !now.Before(hall.Starts):
		return who, nil, &notOnSale{from: hall.OnSale}
	case hall.Moving != "":
		return who, nil, tickets.ErrMoving
	}
	if hall.Room {
		pass := r.Header.Get("Pass")
		if pass == "" {
			return who, nil, errNoPass
		}
		if err := s.Passes.Check(pass, hall.ID, who.Account); err != nil {
			return who, nil, err
		}
	}
	return who, hall, s.Holds.May(hall.ID, who.Account)
}

// holdID is the same whenever the request is repeated, so that repeating it is
// harmless, and nobody else's.
func holdID(r tickets.Request, event tickets.EventID) tickets.HoldID {
	sum := sha256.Sum256([]byte(string(r.Account) + "\n" + string(event) + "\n" + r.Key))
	return tickets.HoldID(hex.EncodeToString(sum[:12]))
}

// now is as exact as a receipt is.
func (s *Server) now() time.Time { return s.Clock().Truncate(time.Millisecond) }

// holdNamed holds the seats that the claim names.
func (s *Server) holdNamed(ctx context.Context, hall *seatmap.Hall, request tickets.Request, claim tickets.Claim) (receipt.Receipt, error) {
	if err := claim.Check(hall.Seats.Named, hall.PerAccount); err != nil {
		return receipt.Receipt{}, err
	}
	if alone := hall.Seats.Orphans(claim.Seats); len(alone) > 0 {
		return s.again(ctx, hall, request, claim, &orphans{alone})
	}
	return s.begin(ctx, hall, request, claim, tickets.Attempt{Seats: claim.Seats, Since: s.now()})
}

// begin holds the seats of a request's first attempt, in one step where the claims
// can, or those of the attempt that is kept.
func (s *Server) begin(ctx context.Context, hall *seatmap.Hall, request tickets.Request, claim tickets.Claim, attempt tickets.Attempt) (receipt.Receipt, error) {
	at, ok := s.Claims.(tickets.Beginner)
	if !ok {
		attempt, err := s.Attempts.Begin(ctx, hall.ID, request, attempt, hall.MaxHold)
		if err != nil {
			return receipt.Receipt{}, err
		}
		return s.claim(ctx, hall, claim, attempt)
	}
	claim.Seats = attempt.Seats
	grant, kept, err := at.Begin(ctx, claim, request, attempt, hall.MaxHold)
	if kept != nil {
		return s.claim(ctx, hall, claim, *kept)
	}
	return received(hall, grant, attempt, err)
}

// claim holds the seats of an attempt.
func (s *Server) claim(ctx context.Context, hall *seatmap.Hall, claim tickets.Claim, attempt tickets.Attempt) (receipt.Receipt, error) {
	claim.Seats = attempt.Seats
	grant, err := s.Claims.Hold(ctx, claim)
	return received(hall, grant, attempt, err)
}

// received is the receipt for a hold, if there is one.
func received(hall *seatmap.Hall, grant tickets.Grant, attempt tickets.Attempt, err error) (receipt.Receipt, error) {
	if taken, ok := errors.AsType[*tickets.Taken](err); ok {
		hall.Seats.Doubt(taken.Seats)
	}
	return receipt.Receipt{Grant: grant, Since: attempt.Since}, err
}

// again is for a request that can't be granted now: it may be one that was, and
// is only repeated. Otherwise the answer is why.
func (s *Server) again(ctx context.Context, hall *seatmap.Hall, request tickets.Request, claim tickets.Claim, why error) (receipt.Receipt, error) {
	kept, found, err := s.Attempts.Kept(ctx, hall.ID, request)
	switch {
	case err != nil:
		return receipt.Receipt{}, err
	case !found:
		return receipt.Receipt{}, why
	}
	return s.claim(ctx, hall, claim, kept)
}

// bestTries is how many proposals are made before a fan is told that others were
// faster. One is enough unless another replica proposes the same at once.
const bestTries = 8

// holdBest holds the best seats that are free.
func (s *Server) holdBest(ctx context.Context, hall *seatmap.Hall, request tickets.Request, claim tickets.Claim, best seatmap.Wish) (receipt.Receipt, error) {
	if best.Seats > hall.PerAccount {
		return receipt.Receipt{}, &tickets.Invalid{Field: "best.seats", Reason: fmt.Sprintf("at most %d can be held at once", hall.PerAccount)}
	}
	var last error
	for try := range bestTries {
		mine, err := s.tryBest(ctx, hall, request, claim, best, try == 0)
		if !is[*tickets.Taken](err) {
			return mine, err
		}
		last = err
	}
	return receipt.Receipt{}, last
}

func (s *Server) tryBest(ctx context.Context, hall *seatmap.Hall, request tickets.Request, claim tickets.Claim, best seatmap.Wish, first bool) (receipt.Receipt, error) {
	seats, done, err := hall.Seats.Propose(best)
	if err != nil && first {
		return s.again(ctx, hall, request, claim, err)
	}
	if err != nil {
		return receipt.Receipt{}, err
	}
	defer done()
	attempt := tickets.Attempt{Seats: seats, Since: s.now()}
	if first {
		return s.begin(ctx, hall, request, claim, attempt)
	}
	if err := s.Attempts.Change(ctx, hall.ID, request, attempt, hall.MaxHold); err != nil {
		return receipt.Receipt{}, err
	}
	return s.claim(ctx, hall, claim, attempt)
}

// held returns the caller's hold.
func (s *Server) held(r *http.Request, text string) (identity.Session, *seatmap.Hall, receipt.Receipt, error) {
	who, err := s.as(r, identity.Fan)
	if err != nil {
		return who, nil, receipt.Receipt{}, err
	}
	hall, err := s.Halls.Hall(tickets.EventID(r.PathValue("event")))
	if err != nil {
		return who, nil, receipt.Receipt{}, err
	}
	mine, err := s.Receipts.Check(text, hall.ID, who.Account)
	return who, hall, mine, err
}

// extend makes a hold longer, up to the event's MaxHold. Repeating it is harmless;
// its key is kept beside the hold, lest the same one be for another.
func (s *Server) extend(w http.ResponseWriter, r *http.Request) error {
	who, hall, mine, err := s.held(r, r.PathValue("hold"))
	if err != nil {
		return err
	}
	request, err := s.readKeyed(w, r, who, nil)
	if err != nil {
		return err
	}
	if _, err := s.Attempts.Begin(r.Context(), hall.ID, request, tickets.Attempt{Seats: mine.Seats, Since: mine.Since}, hall.MaxHold); err != nil {
		return err
	}
	left := mine.Since.Add(hall.MaxHold).Sub(s.Clock())
	if left <= 0 {
		return errMaxHold
	}
	mine.Grant, err = s.Claims.Extend(r.Context(), mine.Grant, min(hall.HoldFor, left))
	if err != nil {
		return err
	}
	return s.answerHold(w, http.StatusOK, hall, mine)
}

// release lets a hold go.
func (s *Server) release(w http.ResponseWriter, r *http.Request) error {
	_, _, mine, err := s.held(r, r.PathValue("hold"))
	if err != nil {
		return err
	}
	if err := s.Claims.Release(r.Context(), mine.Grant); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) answerHold(w http.ResponseWriter, status int, hall *seatmap.Hall, mine receipt.Receipt) error {
	text, err := s.Receipts.Sign(mine)
	if err != nil {
		return err
	}
	answer := holdJSON{
		Hold: text, Event: hall.ID, Currency: hall.Currency, Until: mine.Until.UTC(), Latest: mine.Since.Add(hall.MaxHold).UTC(),
	}
	for _, seat := range mine.Seats {
		tier := tierOf(hall, seat)
		line := lineJSON{Seat: seat, Tier: tier, Price: hall.Prices[tier]}
		answer.Seats = append(answer.Seats, line)
		answer.Total += line.Price
	}
	return httpjson.Write(w, status, answer)
}

// tierOf is "" for a seat that the hall doesn't have.
func tierOf(hall *seatmap.Hall, seat tickets.SeatID) string {
	if section := hall.Venue.Section(seat); section != nil {
		return section.Tier
	}
	return ""
}
