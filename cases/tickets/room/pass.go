package room

import (
	"errors"
	"fmt"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/token"
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

// passClaims are what a pass says.
type passClaims struct {
	Subject tickets.Account   `json:"sub"`
	Events  []tickets.EventID `json:"aud"` // one
	Issued  int64             `json:"iat"` // s since 1970, as is
	Expires int64             `json:"exp"`
}

// Sign returns a pass for the account, and when it ends.
func (p Passes) Sign(event tickets.EventID, account tickets.Account) (pass string, until time.Time, err error) {
	now := p.Now()
	until = now.Add(p.For)
	pass, err = token.Sign(p.Secret, passClaims{account, []tickets.EventID{event}, now.Unix(), until.Unix()})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign a pass: %w", err)
	}
	return pass, until, nil
}

// Check returns nil if the pass is good for the account and the event now, else
// ErrNoPass, ErrPassExpired or ErrForeignPass.
func (p Passes) Check(pass string, event tickets.EventID, account tickets.Account) error {
	var claims passClaims
	err := token.Check(p.Secret, pass, &claims)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrNoPass, err)
	case claims.Expires == 0: // it is signed with this secret, but is something else
		return ErrNoPass
	case !p.Now().Before(time.Unix(claims.Expires, 0)):
		return ErrPassExpired
	case claims.Subject != account || len(claims.Events) != 1 || claims.Events[0] != event:
		return ErrForeignPass
	}
	return nil
}
