package gateapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/bots"
	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/room"
	"designkits/shared/peer"
)

// A joining is the body of a request to join. It may be left out.
type joining struct {
	Proof *bots.Proof `json:"proof"`
	// Website is the honeypot: people don't see the field, so they leave it empty.
	Website string `json:"website"`
}

// A standing is where an account stands, as the API tells it.
type standing struct {
	Status room.Status `json:"status"`
	OnSale time.Time   `json:"onSale"` // when the sale begins
	// For who waits: how many are before it, and an estimate of how long that takes.
	Ahead       *int64   `json:"ahead,omitempty"`
	WaitSeconds *float64 `json:"waitSeconds,omitempty"`
	SoldOut     bool     `json:"soldOut,omitempty"` // nobody is let in for as long as it is so
	*pass
}

// A pass is for who was let in.
type pass struct {
	Pass  string    `json:"pass"`
	Until time.Time `json:"until"` // ask again before
}

// join gives the account its place. Who is suspicious has to work for it first.
func (s *Server) join(w http.ResponseWriter, r *http.Request) error {
	e, session, err := s.asks(r)
	if err != nil {
		return err
	}
	body, err := readJoining(w, r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerIn)
	defer cancel()
	if err := s.defend(ctx, r, e, session, body); err != nil {
		return err
	}
	if err := s.open(ctx, e); err != nil {
		return err
	}
	place, err := s.Room.Join(ctx, e.ID, session.Account, room.Lot(s.LotSecret, e.ID, session.Account))
	if err != nil {
		return err
	}
	return s.answer(w, e, session.Account, place)
}

// open begins the sale at its time, so that who comes after it stands behind,
// even if no doorkeeper has come by yet.
func (s *Server) open(ctx context.Context, e tickets.Event) error {
	if s.Now().Before(e.OnSale) {
		return nil
	}
	if _, known := s.opened.Load(e.ID); known {
		return nil
	}
	if err := s.Room.Open(ctx, e.ID); err != nil {
		return err
	}
	s.opened.Store(e.ID, true)
	return nil
}

// defend returns a *bots.TooOften for who asks too often, and a *mustWork for
// who is suspicious and hasn't worked. Who has a place already needn't.
func (s *Server) defend(ctx context.Context, r *http.Request, e tickets.Event, session identity.Session, body joining) error {
	tries, err := bots.Try(ctx, s.Limits, e.ID, session.Account, peer.Network(peer.Address(r, s.Trusted)), r.Header)
	if err != nil {
		return err
	}
	suspicion, by := bots.Suspect(bots.Traits{
		Header: r.Header, Honeypot: body.Website, Age: s.Now().Sub(session.Since), Tries: tries,
	}, s.Rules)
	for _, rule := range by {
		s.figures.suspected.WithLabelValues(rule).Inc()
	}
	bits := bots.Bits(suspicion)
	if bits == 0 {
		return nil
	}
	if place, err := s.lookUp(ctx, e.ID, session.Account); err != nil || place.Status != room.Unknown {
		return err
	}
	why := errWorkFirst
	if body.Proof != nil {
		if why, err = s.check(ctx, *body.Proof, e.ID, session.Account, bits); err != nil || why == nil {
			return err
		}
	}
	challenge, err := s.Work.Challenge(e.ID, session.Account, bits)
	if err != nil {
		return err
	}
	s.figures.challenged.WithLabelValues(fmt.Sprint(bits)).Inc()
	return &mustWork{challenge, why}
}

// check returns why the proof isn't good, or nil if it is; then it is spent.
func (s *Server) check(ctx context.Context, p bots.Proof, event tickets.EventID, account tickets.Account, bits int) (why, err error) {
	id, left, why := s.Work.Check(p, event, account, bits)
	if why != nil {
		return why, nil
	}
	first, err := s.Limits.Spend(ctx, id, left)
	if err == nil && !first {
		why = errSpent
	}
	return why, err
}

// place tells where the account stands, and gives a pass to who was let in.
func (s *Server) place(w http.ResponseWriter, r *http.Request) error {
	e, session, err := s.asks(r)
	if err != nil {
		return err
	}
	place, err := s.lookUp(r.Context(), e.ID, session.Account)
	if err != nil {
		return err
	}
	if place.Status == room.Unknown {
		return errNoPlace
	}
	return s.answer(w, e, session.Account, place)
}

// leave takes the account out. Who has left stands behind when it comes back.
func (s *Server) leave(w http.ResponseWriter, r *http.Request) error {
	e, session, err := s.asks(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerIn)
	defer cancel()
	if err := s.Room.Leave(ctx, e.ID, session.Account); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// answer tells a place.
func (s *Server) answer(w http.ResponseWriter, e tickets.Event, account tickets.Account, place room.Place) error {
	told := standingOf(e, room.Sight{Status: place.Status, Ahead: place.Ahead, Rate: place.Rate, SoldOut: s.SoldOut(e.ID)})
	if place.Status == room.Admitted {
		var err error
		if told.pass, err = s.pass(e.ID, account); err != nil {
			return err
		}
	}
	text, err := json.Marshal(told)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(text, '\n')) // the client may have gone; there is nobody to tell
	return nil
}

func standingOf(e tickets.Event, sight room.Sight) standing {
	told := standing{Status: sight.Status, OnSale: e.OnSale, SoldOut: sight.SoldOut}
	if sight.Status == room.Waiting {
		told.Ahead = &sight.Ahead
		if sight.Rate > 0 && !sight.SoldOut {
			wait := room.Wait(sight.Ahead, sight.Rate).Round(100 * time.Millisecond).Seconds()
			told.WaitSeconds = &wait
		}
	}
	return told
}

func (s *Server) pass(event tickets.EventID, account tickets.Account) (*pass, error) {
	text, until, err := s.Passes.Sign(event, account)
	if err != nil {
		return nil, err
	}
	return &pass{text, until.Truncate(time.Second)}, nil
}

// maxBody is the largest body, in bytes.
const maxBody = 4 << 10

// readJoining reads a body that is empty or one JSON object with known members.
func readJoining(w http.ResponseWriter, r *http.Request) (joining, error) {
	var into joining
	if r.ContentLength == 0 {
		return into, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return into, fmt.Errorf("%w: it has more than %d bytes, or broke off", errMalformed, maxBody)
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return into, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&into); err != nil {
		return into, fmt.Errorf("%w: %w", errMalformed, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return into, fmt.Errorf("%w: there is something after the JSON object", errMalformed)
	}
	return into, nil
}
