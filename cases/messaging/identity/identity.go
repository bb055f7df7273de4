// Package identity says which device asks. A device has two kinds of tokens, both
// signed (JWT), so that any gateway checks them without asking who has signed:
//
//	its device token   made when the device is linked; shown with every request
//	a resume token     made with each Welcome; brings one connection back, once
//
// Neither can be taken back by itself. Whoever accepts one also asks whether the
// device was signed out (see adapters/redis), and of a resume token whether it
// was used before.
package identity

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"designkits/cases/messaging"
)

// How long tokens last. A device that has been away longer than DeviceFor is linked
// anew; it may well be longer than its inbox keeps, since then there is the history.
// One that shows a token older than RenewAfter gets another, so that who comes back in
// time stays signed in.
// A resume token is made when the connection begins and needed when it ends, which
// may be a day later.
const (
	DeviceFor  = 3 * messaging.InboxFor
	RenewAfter = 24 * time.Hour
	ResumeFor  = 24 * time.Hour
)

// A Session is which device asks, since when and until when.
type Session struct {
	Device       messaging.Address
	Since, Until time.Time
	// Once is the name of a resume token, which is good for one connection; ""
	// of a device token.
	Once string
}

// Tokens signs and checks tokens.
type Tokens struct {
	Secret []byte
	Now    func() time.Time
}

// The errors of checks.
var (
	ErrNoToken = errors.New("this isn't a token of ours: make an account, or link the device")
	ErrExpired = errors.New("the token has expired: a resume token's device shows its own, another device is linked anew")
)

// The issuers tell the two from each other.
const (
	ofDevice = "messaging/device"
	ofResume = "messaging/resume"
)

type claims struct {
	jwt.RegisteredClaims
	Device messaging.DeviceID `json:"dev"`
}

// Sign returns a device's token, and when it ends.
func (t Tokens) Sign(a messaging.Address) (token string, until time.Time, err error) {
	return t.sign(ofDevice, a, "", DeviceFor)
}

// Renew returns a token in place of the one that the session was opened with, or ""
// while that is new. A resume token isn't one: its device has its own.
func (t Tokens) Renew(s Session) (token string, err error) {
	if s.Once != "" || t.Now().Sub(s.Since) < RenewAfter {
		return "", nil
	}
	token, _, err = t.Sign(s.Device)
	return token, err
}

// SignResume returns a token that brings the device back once.
func (t Tokens) SignResume(a messaging.Address) (token string, err error) {
	token, _, err = t.sign(ofResume, a, rand.Text(), ResumeFor)
	return token, err
}

func (t Tokens) sign(issuer string, a messaging.Address, once string, lasts time.Duration) (token string, until time.Time, err error) {
	now := t.Now()
	until = now.Add(lasts)
	token, err = jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Subject: string(a.User), ID: once, IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(until),
		},
		Device: a.Device,
	}).SignedString(t.Secret)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign a token of %s: %w", a, err)
	}
	return token, until, nil
}

// Check returns the session of a device token, else ErrNoToken or ErrExpired.
func (t Tokens) Check(token string) (Session, error) { return t.check(ofDevice, token) }

// CheckResume returns the session of a resume token, else ErrNoToken or
// ErrExpired. Whether it was used before is for the caller to find out.
func (t Tokens) CheckResume(token string) (Session, error) { return t.check(ofResume, token) }

func (t Tokens) check(issuer, token string) (Session, error) {
	var c claims
	_, err := jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return t.Secret, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(issuer),
		jwt.WithTimeFunc(t.Now), jwt.WithExpirationRequired())
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return Session{}, ErrExpired
	case err != nil:
		return Session{}, fmt.Errorf("%w (%w)", ErrNoToken, err)
	case !messaging.UserID(c.Subject).Valid() || c.Device < 1 || c.IssuedAt == nil || (c.ID == "") != (issuer == ofDevice):
		return Session{}, ErrNoToken
	}
	return Session{
		Device: messaging.Address{User: messaging.UserID(c.Subject), Device: c.Device},
		Since:  c.IssuedAt.Time, Until: c.ExpiresAt.Time, Once: c.ID,
	}, nil
}

// Of returns the session of a request that shows its device token as
// "Authorization: Bearer TOKEN"; else ErrNoToken or ErrExpired. There is no
// cookie: nothing that a browser sends by itself lets anybody in.
func (t Tokens) Of(r *http.Request) (Session, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return Session{}, ErrNoToken
	}
	return t.Check(strings.TrimSpace(token))
}
