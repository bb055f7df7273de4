package payments_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"designkits/cases/tickets"
	"designkits/cases/tickets/payments"
)

var notices = rapid.Custom(func(t *rapid.T) payments.Notice {
	return payments.Notice{
		ID: rapid.StringMatching(`evt_[0-9a-f]{16}`).Draw(t, "id"), At: time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "at"), 0).UTC(),
		Payment: payments.Payment{
			ID: rapid.StringMatching(`pay_[0-9a-f]{16}`).Draw(t, "payment"), Order: tickets.OrderID(rapid.String().Draw(t, "order")),
			Amount: tickets.Cents(rapid.Int64().Draw(t, "amount")), Currency: "EUR",
			Status: payments.Captured, Version: rapid.Int64().Draw(t, "version"),
		},
	}
})

// signed draws a notice as it is sent.
func signed(t *rapid.T) (n payments.Notice, secret, body []byte, at time.Time, signature string) {
	n = notices.Draw(t, "notice")
	body, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	secret = rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "secret")
	at = time.Unix(rapid.Int64Range(1, 1<<33).Draw(t, "sent"), 0)
	return n, secret, body, at, payments.Sign(secret, body, at)
}

func TestANoticeOfTheProviderIsBelieved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, secret, body, at, signature := signed(t)
		off := time.Duration(rapid.Int64Range(int64(-payments.Tolerance), int64(payments.Tolerance)).Draw(t, "off"))
		if got, err := payments.Verify(secret, signature, body, at.Add(off)); err != nil || got != n {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

func TestWithAnyByteChangedItIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, secret, body, at, signature := signed(t)
		changed := func(name string, of []byte) []byte {
			of = slices.Clone(of)
			i := rapid.IntRange(0, len(of)-1).Draw(t, name)
			of[i] ^= byte(rapid.IntRange(1, 255).Draw(t, name+" by"))
			return of
		}
		for what, verify := range map[string]func() (payments.Notice, error){
			"secret": func() (payments.Notice, error) {
				return payments.Verify(changed("secret", secret), signature, body, at)
			},
			"signature": func() (payments.Notice, error) {
				return payments.Verify(secret, string(changed("signature", []byte(signature))), body, at)
			},
			"body":       func() (payments.Notice, error) { return payments.Verify(secret, signature, changed("body", body), at) },
			"body's end": func() (payments.Notice, error) { return payments.Verify(secret, signature, body[:len(body)-1], at) },
			"nothing":    func() (payments.Notice, error) { return payments.Verify(secret, "", body, at) },
		} {
			if n, err := verify(); !errors.Is(err, payments.ErrForged) || n != (payments.Notice{}) {
				t.Fatalf("with another %s: %+v, %v", what, n, err)
			}
		}
	})
}

func TestAnOldNoticeIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, secret, body, at, signature := signed(t)
		off := payments.Tolerance + time.Duration(rapid.Int64Range(1, int64(1000*time.Hour)).Draw(t, "off"))
		for _, now := range []time.Time{at.Add(off), at.Add(-off)} {
			if _, err := payments.Verify(secret, signature, body, now); !errors.Is(err, payments.ErrStale) {
				t.Fatalf("%s off: %v", now.Sub(at), err)
			}
		}
	})
}

func TestWithoutASecretNothingIsBelieved(t *testing.T) {
	now := time.Now()
	if _, err := payments.Verify(nil, payments.Sign(nil, []byte("{}"), now), []byte("{}"), now); !errors.Is(err, payments.ErrForged) {
		t.Error(err)
	}
}
