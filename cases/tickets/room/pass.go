package room

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"designkits/cases/tickets"
)

// Passes signs and checks the passes that booking asks for. A pass is good for
// one account, one event and a short time, so that one that is stolen or sold is
// worth nothing to anybody else.
type Passes struct {
	Secret []byte
	For    time.Duration // how long a pass is good
	Now    func() time.Time
}

// The errors of Check.
var (
	ErrNoPass      = errors.New("this isn't a pass of ours")
	ErrPassExpired = errors.New("the pass has expired; the waiting room gives a new one")
	ErrForeignPass = errors.New("the pass belongs to another account or event")
)

// Sign returns a pass for the account, and when it ends.
func (p Passes) Sign(event tickets.EventID, account tickets.Account) (pass string, until time.Time, err error) {
	now := p.Now()
	until = now.Add(p.For)
	pass, err = jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Subject: string(account), Audience: jwt.ClaimStrings{string(event)},
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(until),
	}).SignedString(p.Secret)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign a pass: %w", err)
	}
	return pass, until, nil
}

// Check returns nil if the pass is good for the account and the event now, else
// ErrNoPass, ErrPassExpired or ErrForeignPass.
func (p Passes) Check(pass string, event tickets.EventID, account tickets.Account) error {
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(pass, &claims, func(*jwt.Token) (any, error) { return p.Secret, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithTimeFunc(p.Now), jwt.WithExpirationRequired())
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return ErrPassExpired
	case err != nil:
		return fmt.Errorf("%w: %w", ErrNoPass, err)
	case claims.Subject != string(account) || len(claims.Audience) != 1 || claims.Audience[0] != string(event):
		return ErrForeignPass
	}
	return nil
}
