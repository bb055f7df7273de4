// Package receipt hands a grant to the fan who got it, signed: whoever comes
// back with it says what it was, and booking keeps nothing.
//
// Holds could be looked up by their id in Redis instead. Then every extension
// and every order would begin with that look, Redis would have a second record
// of each hold that must end with it, and with Redis away nobody could pay for
// what is held. What a receipt says can't be forged, and that it is still true
// Claims decides, by the token in it.
package receipt

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"designkits/cases/tickets"
)

// A Receipt is a grant, and since when its seats have been held.
type Receipt struct {
	tickets.Grant
	Since time.Time
}

// Receipts signs and checks receipts.
type Receipts struct{ Secret []byte }

// The errors of Check.
var (
	ErrForged  = errors.New("this is no hold of ours")
	ErrForeign = errors.New("the hold belongs to another account or event")
)

const issuer = "tickets/hold"

type claims struct {
	jwt.RegisteredClaims
	Event tickets.EventID  `json:"event"`
	Seats []tickets.SeatID `json:"seats"`
	Token int64            `json:"token"`
	Since int64            `json:"since"` // ms since 1970, as is
	Until int64            `json:"until"`
}

// Sign returns the receipt as text that fits into a URL.
func (s Receipts) Sign(r Receipt) (string, error) {
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{Issuer: issuer, Subject: string(r.Account), ID: string(r.Hold)},
		Event:            r.Event, Seats: r.Seats, Token: r.Token, Since: r.Since.UnixMilli(), Until: r.Until.UnixMilli(),
	}).SignedString(s.Secret)
	if err != nil {
		return "", fmt.Errorf("sign a hold: %w", err)
	}
	return text, nil
}

// Check returns what Sign was given, if that was for the account and the event;
// else ErrForged or ErrForeign. It has no end of its own: Claims knows whether
// the hold is over.
func (s Receipts) Check(text string, event tickets.EventID, account tickets.Account) (Receipt, error) {
	var c claims
	_, err := jwt.ParseWithClaims(text, &c, func(*jwt.Token) (any, error) { return s.Secret, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(issuer))
	switch {
	case err != nil:
		return Receipt{}, fmt.Errorf("%w (%w)", ErrForged, err)
	case c.Subject != string(account) || c.Event != event:
		return Receipt{}, ErrForeign
	}
	return Receipt{
		Grant: tickets.Grant{
			Claim: tickets.Claim{Hold: tickets.HoldID(c.ID), Event: c.Event, Account: account, Seats: c.Seats},
			Token: c.Token, Until: time.UnixMilli(c.Until),
		},
		Since: time.UnixMilli(c.Since),
	}, nil
}
