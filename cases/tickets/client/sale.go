package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/bots"
	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/room"
)

// A Session is who asks.
type Session struct {
	Account tickets.Account `json:"account"`
	Token   string          `json:"token"`
	Until   time.Time       `json:"until"`
}

// Session makes a session; a fan's secret is "". Use it by As.
func (c *Client) Session(ctx context.Context, role identity.Role, secret string) (s Session, err error) {
	in := map[string]string{"role": string(role)}
	if secret != "" {
		in["secret"] = secret
	}
	return s, c.Do(ctx, Call{Method: http.MethodPost, Path: "/api/session", In: in, Out: &s})
}

// An Event is one as the API gives it, and as the organiser opens it.
type Event struct {
	ID         tickets.EventID          `json:"id"`
	Name       string                   `json:"name"`
	Venue      string                   `json:"venue"`
	Starts     time.Time                `json:"starts"`
	OnSale     time.Time                `json:"onSale"`
	Room       bool                     `json:"room"`
	Currency   string                   `json:"currency"`
	Prices     map[string]tickets.Cents `json:"prices"`
	PerAccount int                      `json:"perAccount"`
	HoldFor    int                      `json:"holdFor"` // s
	MaxHold    int                      `json:"maxHold"` // s
}

// A State is an event with how much of it is left.
type State struct {
	Event
	Seats int       `json:"seats"`
	Free  int       `json:"free"`
	Now   time.Time `json:"now"` // by the server's clock
}

func at(event tickets.EventID) string { return "/api/events/" + url.PathEscape(string(event)) }

// Event returns an event as it is now.
func (c *Client) Event(ctx context.Context, id tickets.EventID) (s State, err error) {
	return s, c.Do(ctx, Call{Method: http.MethodGet, Path: at(id), Out: &s})
}

// PutEvent opens an event or changes it. The session is the organiser's.
func (c *Client) PutEvent(ctx context.Context, e Event) error {
	return c.Do(ctx, Call{Method: http.MethodPut, Path: at(e.ID), In: e})
}

// A Layout is where the seats of a hall are; a seat's name is section/row/place.
type Layout struct {
	Sections []Section `json:"sections"`
}

// A Section has rows of seats, or is a room for Standing people.
type Section struct {
	ID       string `json:"id"`
	Tier     string `json:"tier"`
	Rows     []Row  `json:"rows"`
	Standing int    `json:"standing"`
}

// A Row is seats side by side.
type Row struct {
	Name  string `json:"name"`
	Seats int    `json:"seats"`
}

// Layout returns an event's hall.
func (c *Client) Layout(ctx context.Context, event tickets.EventID) (l Layout, err error) {
	return l, c.Do(ctx, Call{Method: http.MethodGet, Path: at(event) + "/map", Out: &l})
}

// Seats is the state of every seat: '.' free, 'h' held, 's' sold.
type Seats struct {
	Version string              `json:"version"`
	Rows    map[string][]string `json:"rows"` // by section
	Room    map[string]int      `json:"room"` // free places to stand, by section
}

// Seats returns the latest version, and false when that is the one that is
// known already.
func (c *Client) Seats(ctx context.Context, event tickets.EventID, known string) (s Seats, newer bool, err error) {
	header := http.Header{"If-None-Match": {`"` + known + `"`}}
	err = c.Do(ctx, Call{Method: http.MethodGet, Path: at(event) + "/seats", Header: header, Out: &s})
	return s, s.Version != "" && s.Version != known, err
}

// A Joining is what is sent to get a place in the waiting room.
type Joining struct {
	Proof   *bots.Proof `json:"proof,omitempty"`
	Website string      `json:"website,omitempty"` // the honeypot
}

// A Standing is where an account stands in the waiting room.
type Standing struct {
	Status      room.Status `json:"status"`
	OnSale      time.Time   `json:"onSale"`
	Ahead       int64       `json:"ahead"`
	WaitSeconds float64     `json:"waitSeconds"`
	SoldOut     bool        `json:"soldOut"`
	Pass        string      `json:"pass"`
	Until       time.Time   `json:"until"`
}

func waiting(event tickets.EventID) string { return "/api/room/" + url.PathEscape(string(event)) }

// Join asks for a place. Where work is asked for first, the error is a *Refusal
// of which Challenge tells the work.
func (c *Client) Join(ctx context.Context, event tickets.EventID, j Joining) (s Standing, err error) {
	return s, c.Do(ctx, Call{Method: http.MethodPost, Path: waiting(event), In: j, Out: &s})
}

// Challenge returns the work that a refused Join asks for.
func Challenge(err error) (bots.Challenge, bool) {
	var asked struct {
		Challenge bots.Challenge `json:"challenge"`
	}
	if !Is(err, "work-first") || json.Unmarshal(err.(*Refusal).Body, &asked) != nil {
		return bots.Challenge{}, false
	}
	return asked.Challenge, asked.Challenge.Token != ""
}

// Place tells where the account stands.
func (c *Client) Place(ctx context.Context, event tickets.EventID) (s Standing, err error) {
	return s, c.Do(ctx, Call{Method: http.MethodGet, Path: waiting(event), Out: &s})
}

// A Wish asks for seats: some by name, or the best.
type Wish struct {
	Seats []tickets.SeatID `json:"seats,omitempty"`
	Best  *Best            `json:"best,omitempty"`
}

// Best asks for the best free seats.
type Best struct {
	Seats    int    `json:"seats"`
	Section  string `json:"section,omitempty"`
	Tier     string `json:"tier,omitempty"`
	Together bool   `json:"together"`
}

// A Line is a seat and its price.
type Line struct {
	Seat     tickets.SeatID `json:"seat"`
	Tier     string         `json:"tier"`
	Price    tickets.Cents  `json:"price"`
	Refunded bool           `json:"refunded"` // of an order
}

// A Hold is seats that are kept for the account.
type Hold struct {
	Hold   string        `json:"hold"`
	Seats  []Line        `json:"seats"`
	Total  tickets.Cents `json:"total"`
	Until  time.Time     `json:"until"`
	Latest time.Time     `json:"latest"`
}

// Hold holds seats; pass is that of the waiting room, "" where there is none.
func (c *Client) Hold(ctx context.Context, event tickets.EventID, key, pass string, w Wish) (h Hold, err error) {
	header := http.Header{}
	if pass != "" {
		header.Set("Pass", pass)
	}
	return h, c.Do(ctx, Call{Method: http.MethodPost, Path: at(event) + "/holds", Header: header, Key: key, In: w, Out: &h})
}

// Extend makes a hold longer.
func (c *Client) Extend(ctx context.Context, event tickets.EventID, hold string) (h Hold, err error) {
	return h, c.Do(ctx, Call{Method: http.MethodPost, Path: at(event) + "/holds/" + url.PathEscape(hold) + "/extend", Key: NewKey(), Out: &h})
}

// Release lets a hold go.
func (c *Client) Release(ctx context.Context, event tickets.EventID, hold string) error {
	return c.Do(ctx, Call{Method: http.MethodDelete, Path: at(event) + "/holds/" + url.PathEscape(hold)})
}

// An Order is one as the API gives it.
type Order struct {
	ID      tickets.OrderID    `json:"id"`
	Account tickets.Account    `json:"account"` // told to the organiser
	Lines   []Line             `json:"lines"`
	Total   tickets.Cents      `json:"total"`
	State   tickets.OrderState `json:"state"`
	Ended   bool               `json:"ended"`
	Reason  string             `json:"reason"`
	Placed  time.Time          `json:"placed"`
	Tickets []Ticket           `json:"tickets"`
}

// A Ticket is one of an order.
type Ticket struct {
	Serial    tickets.Serial `json:"serial"`
	Seat      tickets.SeatID `json:"seat"`
	Revoked   bool           `json:"revoked"`
	CheckedIn *time.Time     `json:"checkedIn"`
}

// An Offer is what an order is made of.
type Offer struct {
	Hold    string `json:"hold"`
	Source  string `json:"source"` // a token of the payment provider's: "tok_ok"
	Voucher string `json:"voucher,omitempty"`
}

// Place an order of a hold. The saga goes on by itself from here.
func (c *Client) Order(ctx context.Context, event tickets.EventID, key string, o Offer) (placed Order, err error) {
	return placed, c.Do(ctx, Call{Method: http.MethodPost, Path: at(event) + "/orders", Key: key, In: o, Out: &placed})
}

// Look tells where an order stands, with its tickets.
func (c *Client) Look(ctx context.Context, id tickets.OrderID) (o Order, err error) {
	return o, c.Do(ctx, Call{Method: http.MethodGet, Path: "/api/orders/" + url.PathEscape(string(id)), Out: &o})
}

// Refund gives back these seats of an order, all where none is named.
func (c *Client) Refund(ctx context.Context, id tickets.OrderID, key string, seats ...tickets.SeatID) (o Order, err error) {
	in := struct {
		Seats []tickets.SeatID `json:"seats,omitempty"`
	}{seats}
	return o, c.Do(ctx, Call{Method: http.MethodPost, Path: "/api/orders/" + url.PathEscape(string(id)) + "/refund", Key: key, In: in, Out: &o})
}

// Figures are the organiser's sums of an event.
type Figures struct {
	tickets.Figures
	Seats int `json:"seats"`
	Held  int `json:"held"`
	Taken int `json:"taken"`
}

// Figures returns the sums. The session is the organiser's.
func (c *Client) Figures(ctx context.Context, event tickets.EventID) (f Figures, err error) {
	return f, c.Do(ctx, Call{Method: http.MethodGet, Path: at(event) + "/figures", Out: &f})
}

// Seat is the name of a seat by its place in the row, from 1.
func Seat(section, row string, place int) tickets.SeatID {
	return tickets.SeatID(fmt.Sprintf("%s/%s/%d", section, row, place))
}
