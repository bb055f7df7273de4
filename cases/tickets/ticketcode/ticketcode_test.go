package ticketcode_test

import (
	"bytes"
	"errors"
	"testing"

	"designkits/cases/tickets"
	"designkits/cases/tickets/ticketcode"

	"pgregory.net/rapid"
)

func signer(t interface{ Fatal(...any) }, fill byte) *ticketcode.Signer {
	s, err := ticketcode.NewSigner(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var ticket = tickets.Ticket{Event: "show", Seat: "stalls/C/12", Order: "o", Serial: "QK7M"}

func TestADoorReadsWhatWasSigned(t *testing.T) {
	s := signer(t, 1)
	text, err := s.Sign(ticket)
	if err != nil {
		t.Fatal(err)
	}
	want := ticketcode.Code{Event: "show", Seat: "stalls/C/12", Order: "o", Serial: "QK7M"}
	if got, err := s.Door().Check(text); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := signer(t, 2).Door().Check(text); !errors.Is(err, ticketcode.ErrForged) {
		t.Errorf("of another hall: %v", err)
	}
}

func TestAChangedCodeIsForged(t *testing.T) {
	s := signer(t, 1)
	text, err := s.Sign(ticket)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(r *rapid.T) {
		changed := []byte(text)
		at := rapid.IntRange(0, len(changed)-1).Draw(r, "at")
		changed[at] ^= byte(rapid.IntRange(1, 255).Draw(r, "by"))
		if c, err := s.Door().Check(string(changed)); !errors.Is(err, ticketcode.ErrForged) {
			r.Errorf("%q: %+v, %v", changed, c, err)
		}
		if _, err := s.Door().Check(text[:at]); !errors.Is(err, ticketcode.ErrForged) {
			r.Errorf("cut at %d: %v", at, err)
		}
	})
}

func TestASecretOfAnotherLength(t *testing.T) {
	if _, err := ticketcode.NewSigner([]byte("short")); err == nil {
		t.Error("was accepted")
	}
}
