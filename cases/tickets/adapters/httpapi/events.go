package httpapi

import (
	"net/http"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/seatmap"
	"designkits/shared/httpjson"
)

// An eventJSON is an event as everybody sees it, and as the organiser sends it.
type eventJSON struct {
	ID         tickets.EventID          `json:"id"`
	Name       string                   `json:"name"`
	Venue      string                   `json:"venue"`
	Starts     time.Time                `json:"starts"`
	OnSale     time.Time                `json:"onSale"`
	Room       bool                     `json:"room"` // sold through the waiting room
	Currency   string                   `json:"currency"`
	Prices     map[string]tickets.Cents `json:"prices"` // by tier
	PerAccount int                      `json:"perAccount"`
	HoldFor    int                      `json:"holdFor"` // s
	MaxHold    int                      `json:"maxHold"` // s
}

func eventOf(e tickets.Event) eventJSON {
	return eventJSON{
		ID: e.ID, Name: e.Name, Venue: e.Venue, Starts: e.Starts.UTC(), OnSale: e.OnSale.UTC(), Room: e.Room, Currency: e.Currency,
		Prices: e.Prices, PerAccount: e.PerAccount, HoldFor: int(e.HoldFor / time.Second), MaxHold: int(e.MaxHold / time.Second),
	}
}

// A stateJSON is an event with how much of it is left.
type stateJSON struct {
	eventJSON
	Moving string    `json:"moving,omitempty"` // to another hall; the sale is closed meanwhile
	Seats  int       `json:"seats"`
	Free   int       `json:"free"`
	Now    time.Time `json:"now"` // by this server's clock, for a countdown
}

func (s *Server) stateOf(hall *seatmap.Hall) stateJSON {
	held, sold := hall.Seats.Count()
	all := len(hall.Venue.All())
	return stateJSON{eventOf(hall.Event), hall.Moving, all, all - held - sold, s.Clock().UTC()}
}

func (s *Server) events(w http.ResponseWriter, _ *http.Request) error {
	list := struct {
		Events []stateJSON `json:"events"`
	}{[]stateJSON{}}
	for _, hall := range s.Halls.All() {
		list.Events = append(list.Events, s.stateOf(hall))
	}
	return httpjson.Write(w, http.StatusOK, list)
}

func (s *Server) event(w http.ResponseWriter, r *http.Request) error {
	hall, err := s.Halls.Hall(tickets.EventID(r.PathValue("event")))
	if err != nil {
		return err
	}
	return httpjson.Write(w, http.StatusOK, s.stateOf(hall))
}

// A layoutJSON is where the seats of a hall are. A seat's number, by which the
// deltas name it, is its row's first and its place in the row; its name is
// section/row/place, from 1.
type layoutJSON struct {
	Venue    string        `json:"venue"`
	Name     string        `json:"name"`
	Sections []sectionJSON `json:"sections"`
}

type sectionJSON struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	Tier  string    `json:"tier"`
	Rows  []rowJSON `json:"rows,omitempty"`
	Stand int       `json:"standing,omitempty"`
}

type rowJSON struct {
	Name  string `json:"name"`
	First int    `json:"first"`
	Seats int    `json:"seats"`
}

// layout never changes for a venue, and an event seldom moves.
func (s *Server) layout(w http.ResponseWriter, r *http.Request) error {
	hall, err := s.Halls.Hall(tickets.EventID(r.PathValue("event")))
	if err != nil {
		return err
	}
	answer := layoutJSON{Venue: hall.Venue.ID, Name: hall.Venue.Name}
	for _, section := range hall.Venue.Sections {
		one := sectionJSON{ID: section.ID, Name: section.Name, Tier: section.Tier, Stand: section.Standing}
		if section.Standing == 0 {
			for _, row := range section.Rows {
				one.Rows = append(one.Rows, rowJSON{row.Name, row.First, len(row.Seats)})
			}
		}
		answer.Sections = append(answer.Sections, one)
	}
	w.Header().Set("Cache-Control", "public, max-age=60")
	return httpjson.Write(w, http.StatusOK, answer)
}

// putEvent opens an event or changes it.
func (s *Server) putEvent(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.as(r, identity.Organiser); err != nil {
		return err
	}
	var ask eventJSON
	if err := httpjson.Read(w, r, maxBody, &ask); err != nil {
		return err
	}
	id := tickets.EventID(r.PathValue("event"))
	if ask.ID != "" && ask.ID != id {
		return &tickets.Invalid{Field: "id", Reason: "the address names another event"}
	}
	e := tickets.Event{
		ID: id, Name: ask.Name, Venue: ask.Venue, Starts: ask.Starts, OnSale: ask.OnSale, Room: ask.Room, Currency: ask.Currency,
		Prices: ask.Prices, PerAccount: ask.PerAccount,
		HoldFor: time.Duration(ask.HoldFor) * time.Second, MaxHold: time.Duration(ask.MaxHold) * time.Second,
	}
	place := s.Halls.Venue(e.Venue)
	if place == nil {
		return &tickets.Invalid{Field: "venue", Reason: "there is no venue of that name"}
	}
	if err := e.Check(place.Tiers()); err != nil {
		return err
	}
	if s.AddSeats != nil {
		if err := s.AddSeats(r.Context(), id, place.All()); err != nil {
			return err
		}
	}
	if err := s.Events.Put(r.Context(), e); err != nil {
		return err
	}
	if err := s.Halls.Refresh(r.Context()); err != nil {
		return err
	}
	return httpjson.Write(w, http.StatusOK, eventOf(e))
}

// putVoucher makes a voucher. Repeating it is harmless.
func (s *Server) putVoucher(w http.ResponseWriter, r *http.Request) error {
	who, err := s.as(r, identity.Organiser)
	if err != nil {
		return err
	}
	hall, err := s.Halls.Hall(tickets.EventID(r.PathValue("event")))
	if err != nil {
		return err
	}
	var ask voucherJSON
	request, err := s.readKeyed(w, r, who, &ask)
	if err != nil {
		return err
	}
	v := tickets.Voucher{Code: ask.Code, Event: hall.ID, Percent: ask.Percent, Uses: ask.Uses, Until: ask.Until}
	if v.Until.IsZero() {
		v.Until = hall.Starts
	}
	if err := v.Check(); err != nil {
		return err
	}
	if err := s.once(r.Context(), request); err != nil {
		return err
	}
	if err := s.Events.PutVoucher(r.Context(), v); err != nil {
		return err
	}
	ask.Until = v.Until.UTC()
	return httpjson.Write(w, http.StatusCreated, ask)
}

type voucherJSON struct {
	Code    string    `json:"code"`
	Percent int       `json:"percent"`
	Uses    int       `json:"uses"`
	Until   time.Time `json:"until,omitzero"` // default when the event starts
}

// eventFigures are the organiser's.
func (s *Server) eventFigures(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.as(r, identity.Organiser); err != nil {
		return err
	}
	hall, err := s.Halls.Hall(tickets.EventID(r.PathValue("event")))
	if err != nil {
		return err
	}
	sums, err := s.Orders.Figures(r.Context(), hall.ID)
	if err != nil {
		return err
	}
	held, sold := hall.Seats.Count()
	return httpjson.Write(w, http.StatusOK, struct {
		tickets.Figures
		Seats    int    `json:"seats"`
		Held     int    `json:"held"`
		Taken    int    `json:"taken"` // seats that the map shows as sold
		Currency string `json:"currency"`
	}{sums, len(hall.Venue.All()), held, sold, hall.Currency})
}
