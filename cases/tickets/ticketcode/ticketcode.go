// Package ticketcode is what stands in a ticket's QR code, and how a door
// believes it: the ticket's names, signed with Ed25519. A door needs the public
// key alone, so that one that is lost or stolen can make no ticket; and it needs
// no store to refuse what is forged. That a ticket lets in one person only, and
// none when it was given back, is for tickets.Tickets to say.
package ticketcode

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"designkits/cases/tickets"
)

// A Code is what a ticket says of itself.
type Code struct {
	Event  tickets.EventID `json:"e"`
	Seat   tickets.SeatID  `json:"s"`
	Order  tickets.OrderID `json:"o"`
	Serial tickets.Serial  `json:"n"`
}

// ErrForged is the error for what no holder of the key has signed.
var ErrForged = errors.New("this is no ticket of ours")

// prefix tells our codes, and the version of their form.
const prefix = "T1."

// longest is more than a code can be.
const longest = 1024

var encoding = base64.RawURLEncoding.Strict()

// A Signer signs codes.
type Signer struct{ key ed25519.PrivateKey }

// NewSigner returns the signer of a secret, of which it needs all 32 bytes.
func NewSigner(seed []byte) (*Signer, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("the secret of tickets has %d bytes: give %d random ones", len(seed), ed25519.SeedSize)
	}
	return &Signer{ed25519.NewKeyFromSeed(seed)}, nil
}

// Door returns what a door needs.
func (s *Signer) Door() *Door { return &Door{s.key.Public().(ed25519.PublicKey)} }

// Sign returns the text of a ticket's QR code.
func (s *Signer) Sign(t tickets.Ticket) (string, error) {
	payload, err := json.Marshal(Code{Event: t.Event, Seat: t.Seat, Order: t.Order, Serial: t.Serial})
	if err != nil {
		return "", fmt.Errorf("sign ticket %s: %w", t.Serial, err)
	}
	return prefix + encoding.EncodeToString(append(ed25519.Sign(s.key, payload), payload...)), nil
}

// A Door checks codes.
type Door struct{ key ed25519.PublicKey }

// Check returns what the code says, or ErrForged. It is for an event's door to
// compare the event.
func (d *Door) Check(text string) (Code, error) {
	body, ok := strings.CutPrefix(text, prefix)
	if !ok || len(text) > longest {
		return Code{}, ErrForged
	}
	signed, err := encoding.DecodeString(body)
	if err != nil || len(signed) < ed25519.SignatureSize {
		return Code{}, ErrForged
	}
	payload := signed[ed25519.SignatureSize:]
	var c Code
	if !ed25519.Verify(d.key, payload, signed[:ed25519.SignatureSize]) || json.Unmarshal(payload, &c) != nil {
		return Code{}, ErrForged
	}
	return c, nil
}
