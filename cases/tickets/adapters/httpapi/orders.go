package httpapi

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/payments"
	"designkits/cases/tickets/receipt"
	"designkits/cases/tickets/seatmap"
	"designkits/shared/httpjson"
)

// An orderJSON is an order as its fan sees it.
type orderJSON struct {
	ID       tickets.OrderID    `json:"id"`
	Event    tickets.EventID    `json:"event"`
	Lines    []orderLineJSON    `json:"lines"`
	Total    tickets.Cents      `json:"total"`
	Currency string             `json:"currency"`
	Voucher  string             `json:"voucher,omitempty"`
	State    tickets.OrderState `json:"state"`
	Ended    bool               `json:"ended"` // nothing more happens by itself
	Reason   string             `json:"reason,omitempty"`
	Placed   time.Time          `json:"placed"`
	Tickets  []ticketJSON       `json:"tickets,omitempty"`
	// Account is told to the organiser.
	Account tickets.Account `json:"account,omitempty"`
}

type orderLineJSON struct {
	lineJSON
	Refunded bool `json:"refunded"`
}

type ticketJSON struct {
	Serial    tickets.Serial  `json:"serial"`
	Event     tickets.EventID `json:"event"`
	Seat      tickets.SeatID  `json:"seat"`
	Revoked   bool            `json:"revoked"`
	CheckedIn *time.Time      `json:"checkedIn,omitempty"`
}

func orderOf(o tickets.Order) orderJSON {
	answer := orderJSON{
		ID: o.ID, Event: o.Grant.Event, Total: o.Total, Currency: o.Currency, Voucher: o.Voucher,
		State: o.State, Ended: o.State.Ended(), Reason: o.Reason, Placed: o.Placed.UTC(),
	}
	for _, line := range o.Lines {
		answer.Lines = append(answer.Lines, orderLineJSON{lineJSON{line.Seat, line.Tier, line.Price}, line.Refunded || line.Returning})
	}
	return answer
}

func ticketOf(t tickets.Ticket) ticketJSON {
	answer := ticketJSON{Serial: t.Serial, Event: t.Event, Seat: t.Seat, Revoked: !t.Revoked.IsZero()}
	if !t.CheckedIn.IsZero() {
		at := t.CheckedIn.UTC()
		answer.CheckedIn = &at
	}
	return answer
}

// place makes an order of a hold. The seats are kept for as long as the payment
// may take; from here on the saga goes on by itself.
func (s *Server) place(w http.ResponseWriter, r *http.Request) error {
	who, err := s.as(r, identity.Fan)
	if err != nil {
		return err
	}
	var ask struct {
		Hold    string `json:"hold"`
		Source  string `json:"source"`
		Voucher string `json:"voucher"`
	}
	request, err := s.readKeyed(w, r, who, &ask)
	if err != nil {
		return err
	}
	_, hall, mine, err := s.held(r, ask.Hold)
	if err != nil {
		return err
	}
	if ask.Source == "" || len(ask.Source) > 200 {
		return &tickets.Invalid{Field: "source", Reason: "give the payment provider's token of what is paid with"}
	}
	order, err := s.newOrder(r.Context(), hall, mine, ask.Voucher, ask.Source)
	if err != nil {
		return err
	}
	order.Grant, err = s.Claims.Extend(r.Context(), mine.Grant, s.PayFor)
	switch {
	case errors.Is(err, tickets.ErrGone):
		// Unless this repeats a request whose order has gone on since.
		if _, placed, known := s.Keys.Answer(r.Context(), request); known != nil || !placed {
			return errors.Join(known, err)
		}
		order.Grant = mine.Grant
	case err != nil && s.Clock().Before(mine.Until):
		// The holds' store is away, and the hold isn't over by what was promised: the
		// record of sales decides.
		s.Log.WarnContext(r.Context(), "ordered without a longer hold", "order", order.ID, "error", err.Error())
		order.Grant = mine.Grant
	case err != nil:
		return err
	}
	placed, err := s.Orders.Place(r.Context(), request, order, hall.Event)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api/orders/"+string(placed.ID))
	return httpjson.Write(w, http.StatusAccepted, orderOf(placed))
}

func (s *Server) newOrder(ctx context.Context, hall *seatmap.Hall, mine receipt.Receipt, code, source string) (tickets.Order, error) {
	var voucher *tickets.Voucher
	if code != "" {
		v, err := s.Events.Voucher(ctx, hall.ID, code)
		if errors.Is(err, tickets.ErrUnknown) {
			err = &tickets.Invalid{Field: "voucher", Reason: "this event has no such voucher"}
		}
		if err != nil {
			return tickets.Order{}, err
		}
		voucher = &v
	}
	id := tickets.OrderID("o" + strings.ToLower(rand.Text()))
	return tickets.NewOrder(id, hall.Event, mine.Grant, func(seat tickets.SeatID) string { return tierOf(hall, seat) }, voucher, source, s.Clock())
}

// orders are the caller's.
func (s *Server) orders(w http.ResponseWriter, r *http.Request) error {
	who, err := s.as(r, identity.Fan)
	if err != nil {
		return err
	}
	list, err := s.Orders.OfAccount(r.Context(), who.Account)
	if err != nil {
		return err
	}
	return writeOrders(w, list, orderOf)
}

func writeOrders(w http.ResponseWriter, list []tickets.Order, of func(tickets.Order) orderJSON) error {
	answer := struct {
		Orders []orderJSON `json:"orders"`
	}{[]orderJSON{}}
	for _, o := range list {
		answer.Orders = append(answer.Orders, of(o))
	}
	return httpjson.Write(w, http.StatusOK, answer)
}

// maxPage is how many orders the organiser is shown at once.
const maxPage = 200

// ordersOfEvent are the organiser's to see, the latest first.
func (s *Server) ordersOfEvent(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.as(r, identity.Organiser); err != nil {
		return err
	}
	hall, err := s.Halls.Hall(tickets.EventID(r.PathValue("event")))
	if err != nil {
		return err
	}
	before := s.Clock().Add(time.Minute) // of the clocks
	if text := r.URL.Query().Get("before"); text != "" {
		if before, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return &tickets.Invalid{Field: "before", Reason: fmt.Sprintf("%.40q is no time: write it like 2026-01-31T18:00:00Z (RFC 3339)", text)}
		}
	}
	list, err := s.Orders.OfEvent(r.Context(), hall.ID, before, maxPage)
	if err != nil {
		return err
	}
	return writeOrders(w, list, func(o tickets.Order) orderJSON {
		answer := orderOf(o)
		answer.Account = o.Grant.Account
		return answer
	})
}

// mine returns an order of the caller's; the organiser's are all. Nobody is told
// that an order exists which isn't theirs.
func (s *Server) mine(r *http.Request) (identity.Session, tickets.Order, error) {
	who, err := s.as(r, identity.Fan, identity.Organiser)
	if err != nil {
		return who, tickets.Order{}, err
	}
	order, err := s.Orders.Order(r.Context(), tickets.OrderID(r.PathValue("order")))
	if err == nil && who.Role == identity.Fan && order.Grant.Account != who.Account {
		err = tickets.ErrUnknown
	}
	return who, order, err
}

func (s *Server) order(w http.ResponseWriter, r *http.Request) error {
	_, order, err := s.mine(r)
	if err != nil {
		return err
	}
	issued, err := s.Tickets.OfOrder(r.Context(), order.ID)
	if err != nil {
		return err
	}
	answer := orderOf(order)
	for _, t := range issued {
		answer.Tickets = append(answer.Tickets, ticketOf(t))
	}
	return httpjson.Write(w, http.StatusOK, answer)
}

// refund gives back an order, or some of its seats.
func (s *Server) refund(w http.ResponseWriter, r *http.Request) error {
	who, order, err := s.mine(r)
	if err != nil {
		return err
	}
	var ask struct {
		Seats []tickets.SeatID `json:"seats"` // none for all
	}
	request, err := s.readKeyed(w, r, who, &ask)
	if err != nil {
		return err
	}
	order, err = s.Orders.Refund(r.Context(), request, order.ID, ask.Seats)
	if err != nil {
		return err
	}
	return httpjson.Write(w, http.StatusAccepted, orderOf(order))
}

// messages are what the fan was told.
func (s *Server) messages(w http.ResponseWriter, r *http.Request) error {
	who, err := s.as(r, identity.Fan)
	if err != nil {
		return err
	}
	list, err := s.Messages.OfAccount(r.Context(), who.Account)
	if err != nil {
		return err
	}
	if list == nil {
		list = []tickets.Message{}
	}
	return httpjson.Write(w, http.StatusOK, map[string]any{"messages": list})
}

// notice takes the payment provider's news. The provider sends it again until it
// is told 204.
func (s *Server) notice(w http.ResponseWriter, r *http.Request) error {
	body, err := httpjson.Bytes(w, r, maxBody)
	if err != nil {
		return err
	}
	n, err := payments.Verify(s.WebhookSecret, r.Header.Get(payments.SignatureHeader), body, s.Clock())
	if err != nil {
		return err
	}
	if err := s.Inbox.Notice(r.Context(), n); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
