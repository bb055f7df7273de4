package room_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"designkits/cases/tickets"
	"designkits/cases/tickets/room"
)

func TestPasses(t *testing.T) {
	now := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	passes := room.Passes{Secret: []byte("secret"), For: 5 * time.Minute, Now: func() time.Time { return now }}
	pass, until, err := passes.Sign("e", "ann")
	if err != nil || !until.Equal(now.Add(5*time.Minute)) {
		t.Fatal(until, err)
	}
	unsigned, err := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.RegisteredClaims{
		Subject: "ann", Audience: jwt.ClaimStrings{"e"}, ExpiresAt: jwt.NewNumericDate(until),
	}).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	endless, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{Subject: "ann", Audience: jwt.ClaimStrings{"e"}}).SignedString([]byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(pass, ".")
	for name, c := range map[string]struct {
		pass    string
		account tickets.Account
		event   tickets.EventID
		later   time.Duration
		want    error
	}{
		"good":              {pass, "ann", "e", 4 * time.Minute, nil},
		"stolen":            {pass, "bob", "e", 0, room.ErrForeignPass},
		"for another event": {pass, "ann", "f", 0, room.ErrForeignPass},
		"old":               {pass, "ann", "e", 6 * time.Minute, room.ErrPassExpired},
		"none":              {"", "ann", "e", 0, room.ErrNoPass},
		"nonsense":          {"a.b.c", "ann", "e", 0, room.ErrNoPass},
		"changed":           {head + ".x" + rest, "ann", "e", 0, room.ErrNoPass},
		"not signed":        {unsigned, "ann", "e", 0, room.ErrNoPass},
		"without an end":    {endless, "ann", "e", 0, room.ErrNoPass},
	} {
		later := passes
		later.Now = func() time.Time { return now.Add(c.later) }
		if err := later.Check(c.pass, c.event, c.account); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	other := passes
	other.Secret = []byte("another")
	if err := other.Check(pass, "e", "ann"); !errors.Is(err, room.ErrNoPass) {
		t.Errorf("of another secret: %v", err)
	}
}
