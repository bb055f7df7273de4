package httpapi

import (
	"fmt"
	"net/http"
	"strings"

	"designkits/cases/tickets"
	"designkits/cases/tickets/identity"
	"designkits/shared/httpjson"
	"designkits/shared/qrcode"

	"rsc.io/qr"
)

// ticket is a ticket's code, for whose it is: SERIAL.svg as a QR code, SERIAL.txt
// as what that says, for a door without a scanner.
func (s *Server) ticket(w http.ResponseWriter, r *http.Request) error {
	who, err := s.as(r, identity.Fan)
	if err != nil {
		return err
	}
	serial, form, _ := strings.Cut(r.PathValue("ticket"), ".")
	if form != "svg" && form != "txt" {
		return errNoRoute
	}
	t, err := s.Tickets.Ticket(r.Context(), tickets.Serial(serial))
	switch {
	case err != nil:
		return err
	case t.Account != who.Account:
		return tickets.ErrUnknown
	case !t.Revoked.IsZero():
		return tickets.ErrRevoked
	}
	text, err := s.Signer.Sign(t)
	if err != nil {
		return err
	}
	kind, content := "text/plain; charset=utf-8", []byte(text)
	if form == "svg" {
		code, err := qr.Encode(text, qr.M)
		if err != nil {
			return fmt.Errorf("QR code of ticket %s: %w", t.Serial, err)
		}
		kind, content = "image/svg+xml", qrcode.SVG(code)
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "private, no-cache") // it may be given back
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(content) // the client may have gone
	return nil
}

// checkIn lets a ticket's holder in, once.
func (s *Server) checkIn(w http.ResponseWriter, r *http.Request) error {
	who, err := s.as(r, identity.Door)
	if err != nil {
		return err
	}
	var ask struct {
		Event tickets.EventID `json:"event"` // that is let in here
		Code  string          `json:"code"`
		Door  string          `json:"door"`
	}
	request, err := s.readKeyed(w, r, who, &ask)
	if err != nil {
		return err
	}
	if ask.Door == "" || len(ask.Door) > 100 {
		return &tickets.Invalid{Field: "door", Reason: "say which door it is, in at most 100 bytes"}
	}
	code, err := s.door.Check(ask.Code)
	if err != nil {
		return &tickets.Invalid{Field: "code", Reason: err.Error()}
	}
	if code.Event != ask.Event {
		return &tickets.Invalid{Field: "code", Reason: "the ticket is for another event"}
	}
	if err := s.once(r.Context(), request); err != nil {
		return err
	}
	t, err := s.Tickets.CheckIn(r.Context(), code.Serial, ask.Door, request.Key)
	if err != nil {
		return err
	}
	return httpjson.Write(w, http.StatusOK, ticketOf(t))
}
