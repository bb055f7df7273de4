// Package identity says who asks. A session is a signed token (JWT) that names
// an account and its role; whoever has the secret checks it without asking
// anybody, since half a million people come at the same minute.
//
// A fan's account is a throw-away one that costs nothing to make, so there is
// nothing to revoke, and its session lasts for a day of sale. Those of the
// organiser and of the door can do harm, so they end soon.
package identity

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"designkits/cases/tickets"
)

// A Role is what an account may do.
type Role string

// The roles.
const (
	Fan       Role = "fan"       // holds and buys, and sees its own orders
	Organiser Role = "organiser" // opens events, makes vouchers, sees all orders
	Door      Role = "door"      // checks tickets in
)

// How long a session lasts.
const (
	fanFor   = 12 * time.Hour
	staffFor = 30 * time.Minute
)

// A Session is who asks, since when and until when.
type Session struct {
	Account      tickets.Account
	Role         Role
	Since, Until time.Time
}

// Sessions signs and checks sessions.
type Sessions struct {
	Secret []byte
	Now    func() time.Time
}

// The errors of Check.
var (
	ErrNoSession = errors.New("this isn't a session of ours: POST /api/session makes one")
	ErrExpired   = errors.New("the session has expired: POST /api/session makes a new one")
)

// issuer tells sessions from the other tokens of the sale.
const issuer = "tickets/session"

type claims struct {
	jwt.RegisteredClaims
	Role Role `json:"role"`
}

// Sign returns a session's token, and when it ends.
func (s Sessions) Sign(account tickets.Account, role Role) (token string, until time.Time, err error) {
	now := s.Now()
	until = now.Add(staffFor)
	if role == Fan {
		until = now.Add(fanFor)
	}
	token, err = jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Subject: string(account), IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(until),
		},
		Role: role,
	}).SignedString(s.Secret)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign a session: %w", err)
	}
	return token, until, nil
}

// Check returns the session of a token, else ErrNoSession or ErrExpired.
func (s Sessions) Check(token string) (Session, error) {
	var c claims
	_, err := jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return s.Secret, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(issuer),
		jwt.WithTimeFunc(s.Now), jwt.WithExpirationRequired())
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return Session{}, ErrExpired
	case err != nil:
		return Session{}, fmt.Errorf("%w (%w)", ErrNoSession, err)
	case c.Subject == "" || c.IssuedAt == nil || c.Role != Fan && c.Role != Organiser && c.Role != Door:
		return Session{}, ErrNoSession
	}
	return Session{Account: tickets.Account(c.Subject), Role: c.Role, Since: c.IssuedAt.Time, Until: c.ExpiresAt.Time}, nil
}

// Cookie is the name of the cookie that carries a session.
const Cookie = "session"

// Of returns the session of a request, from "Authorization: Bearer TOKEN" or,
// without that header, from the cookie; else ErrNoSession or ErrExpired.
func (s Sessions) Of(r *http.Request) (Session, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return Session{}, ErrNoSession
		}
		return s.Check(strings.TrimSpace(token))
	}
	cookie, err := r.Cookie(Cookie)
	if err != nil {
		return Session{}, ErrNoSession
	}
	return s.Check(cookie.Value)
}

// Set gives a browser its session. Scripts can't read it, and other sites' pages
// can't use it.
func Set(w http.ResponseWriter, token string, until time.Time) {
	http.SetCookie(w, &http.Cookie{
		Name: Cookie, Value: token, Path: "/", Expires: until, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

// NewAccount makes a name for an account that nobody else has and that says
// nothing.
func NewAccount() tickets.Account { return tickets.Account(strings.ToLower(rand.Text())) }
