package token_test

import (
	"errors"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"pgregory.net/rapid"

	"designkits/cases/tickets/token"
)

type claims struct {
	Subject string `json:"sub"`
	Number  int64  `json:"n"`
}

var secret = []byte("a secret of the tests")

// Whoever knows JWTs by another program reads ours, and we read theirs.
func TestTokensAreOrdinaryJWTs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := claims{rapid.String().Draw(t, "subject"), rapid.Int64Range(-1<<53, 1<<53).Draw(t, "number")}
		text, err := token.Sign(secret, want)
		if err != nil {
			t.Fatal(err)
		}
		var got claims
		if err := token.Check(secret, text, &got); err != nil || got != want {
			t.Fatalf("%+v, %v, want %+v", got, err, want)
		}
		var read jwt.MapClaims
		if _, err := jwt.ParseWithClaims(text, &read, func(*jwt.Token) (any, error) { return secret, nil }); err != nil ||
			read["sub"] != want.Subject || int64(read["n"].(float64)) != want.Number {
			t.Fatalf("the library reads %v, %v", read, err)
		}
		theirs, err := jwt.NewWithClaims(jwt.SigningMethodHS256, read).SignedString(secret)
		if err != nil {
			t.Fatal(err)
		}
		var back claims
		if err := token.Check(secret, theirs, &back); err != nil || back != want {
			t.Fatalf("of the library's: %+v, %v, want %+v", back, err, want)
		}
	})
}

func TestWithAByteChangedItIsForged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, err := token.Sign(secret, claims{rapid.String().Draw(t, "subject"), 1})
		if err != nil {
			t.Fatal(err)
		}
		changed := []byte(text)
		at := rapid.IntRange(0, len(changed)-1).Draw(t, "at")
		changed[at] = rapid.Byte().Filter(func(b byte) bool { return b != text[at] }).Draw(t, "byte")
		var got claims
		if err := token.Check(secret, string(changed), &got); !errors.Is(err, token.ErrForged) || got != (claims{}) {
			t.Fatalf("%+v, %v", got, err)
		}
		if err := token.Check(secret, text[:at], &got); !errors.Is(err, token.ErrForged) {
			t.Fatalf("cut off at %d: %v", at, err)
		}
	})
}

// A secret that signs something else as well must not open this door.
func TestWhatIsSignedButNoClaimsIsForged(t *testing.T) {
	text, err := token.Sign(secret, []int{1})
	if err != nil {
		t.Fatal(err)
	}
	if err := token.Check(secret, text, &claims{}); !errors.Is(err, token.ErrForged) {
		t.Error(err)
	}
	if err := token.Check([]byte("another"), text, &[]int{}); !errors.Is(err, token.ErrForged) {
		t.Error(err)
	}
	if _, err := token.Sign(secret, make(chan int)); err == nil {
		t.Error("a channel was signed")
	}
}
