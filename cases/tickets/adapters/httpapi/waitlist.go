package httpapi

import (
	"net/http"

	"designkits/cases/tickets"
	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/seatmap"
	"designkits/shared/httpjson"
)

// wait puts a fan on the list of an event that is sold out.
func (s *Server) wait(w http.ResponseWriter, r *http.Request) error {
	who, hall, err := s.waiter(r)
	if err != nil {
		return err
	}
	var ask struct {
		Seats int `json:"seats"`
	}
	request, err := s.readKeyed(w, r, who, &ask)
	if err != nil {
		return err
	}
	if ask.Seats < 1 || ask.Seats > hall.PerAccount {
		return &tickets.Invalid{Field: "seats", Reason: "ask for at least one, and no more than an account may have"}
	}
	if s.stateOf(hall).Free > 0 {
		return errNotSoldOut
	}
	if err := s.once(r.Context(), request); err != nil {
		return err
	}
	place, err := s.Waitlist.Wait(r.Context(), hall.ID, who.Account, ask.Seats)
	if err != nil {
		return err
	}
	return httpjson.Write(w, http.StatusCreated, struct {
		Place int `json:"place"`
	}{place})
}

// standing tells a fan's place on the list of an event.
func (s *Server) standing(w http.ResponseWriter, r *http.Request) error {
	who, hall, err := s.waiter(r)
	if err != nil {
		return err
	}
	place, seats, err := s.Waitlist.Standing(r.Context(), hall.ID, who.Account)
	if err != nil {
		return err
	}
	return httpjson.Write(w, http.StatusOK, struct {
		Place int `json:"place"`
		Seats int `json:"seats"`
	}{place, seats})
}

// leave takes a fan off the list of an event.
func (s *Server) leave(w http.ResponseWriter, r *http.Request) error {
	who, hall, err := s.waiter(r)
	if err != nil {
		return err
	}
	if err := s.Waitlist.Leave(r.Context(), hall.ID, who.Account); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// waiter returns who asks and the event whose list is asked for.
func (s *Server) waiter(r *http.Request) (identity.Session, *seatmap.Hall, error) {
	who, err := s.as(r, identity.Fan)
	if err != nil {
		return who, nil, err
	}
	hall, err := s.Halls.Hall(tickets.EventID(r.PathValue("event")))
	return who, hall, err
}
