package httpapi

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/identity"
	"designkits/shared/httpjson"
)

type sessionJSON struct {
	Account tickets.Account `json:"account"`
	Role    identity.Role   `json:"role"`
	Until   time.Time       `json:"until"`
	Token   string          `json:"token,omitempty"`
}

// newSession makes a fan's account, or lets the organiser or the door in. It
// stores nothing, so it needs no idempotency key.
func (s *Server) newSession(w http.ResponseWriter, r *http.Request) error {
	var ask struct {
		Role   identity.Role `json:"role"`
		Secret string        `json:"secret"`
	}
	if r.ContentLength != 0 {
		if err := httpjson.Read(w, r, maxBody, &ask); err != nil {
			return err
		}
	}
	account := tickets.Account("")
	switch ask.Role {
	case identity.Fan, "":
		ask.Role, account = identity.Fan, identity.NewAccount()
	case identity.Organiser, identity.Door:
		want := map[identity.Role]string{identity.Organiser: s.OrganiserSecret, identity.Door: s.DoorSecret}[ask.Role]
		if !same(ask.Secret, want) {
			return errSecret
		}
		account = tickets.Account(ask.Role)
	default:
		return &tickets.Invalid{Field: "role", Reason: "a role is fan, organiser or door"}
	}
	token, until, err := s.Sessions.Sign(account, ask.Role)
	if err != nil {
		return err
	}
	identity.Set(w, token, until)
	return httpjson.Write(w, http.StatusCreated, sessionJSON{account, ask.Role, until.UTC(), token})
}

// same compares without telling by its time how much of the secret was right.
func same(got, want string) bool {
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return want != "" && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// session says who asks.
func (s *Server) session(w http.ResponseWriter, r *http.Request) error {
	who, err := s.Sessions.Of(r)
	if err != nil {
		return err
	}
	return httpjson.Write(w, http.StatusOK, sessionJSON{Account: who.Account, Role: who.Role, Until: who.Until.UTC()})
}

// as returns who asks, if their role is among these.
func (s *Server) as(r *http.Request, roles ...identity.Role) (identity.Session, error) {
	who, err := s.Sessions.Of(r)
	if err != nil {
		return who, err
	}
	for _, role := range roles {
		if who.Role == role {
			return who, nil
		}
	}
	return who, errRole
}

// once keeps the key of a request of which a repetition is harmless, so that the
// same key for something else is refused: ErrKeyReused.
func (s *Server) once(ctx context.Context, r tickets.Request) error {
	_, err := s.Keys.Remember(ctx, r, []byte{})
	return err
}

const maxKey = 100 // characters of an idempotency key

// readKeyed reads the body of a request that needs an idempotency key, and
// returns by what it is known again.
func (s *Server) readKeyed(w http.ResponseWriter, r *http.Request, who identity.Session, into any) (tickets.Request, error) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" || len(key) > maxKey {
		return tickets.Request{}, errNoKey
	}
	for _, c := range key {
		if c <= ' ' || c > '~' {
			return tickets.Request{}, errNoKey
		}
	}
	body, err := httpjson.Bytes(w, r, maxBody)
	if err != nil {
		return tickets.Request{}, err
	}
	switch {
	case into != nil:
		err = httpjson.ReadBody(r, body, into)
	case len(body) > 0:
		err = &httpjson.Malformed{Reason: "this takes no body"}
	}
	if err != nil {
		return tickets.Request{}, err
	}
	hash := sha256.New()
	hash.Write([]byte(r.Method + " " + r.URL.Path + "\n"))
	hash.Write(body)
	return tickets.Request{Account: who.Account, Key: key, Hash: [32]byte(hash.Sum(nil))}, nil
}
