package receipt_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/receipt"

	"pgregory.net/rapid"
)

var receipts = receipt.Receipts{Secret: []byte("a secret of the tests")}

func drawn(t *rapid.T) receipt.Receipt {
	text := rapid.StringMatching(`[a-z0-9-]{1,20}`)
	var seats []tickets.SeatID
	for _, s := range rapid.SliceOfN(text, 1, 50).Draw(t, "seats") {
		seats = append(seats, tickets.SeatID("section/"+s))
	}
	since := time.UnixMilli(rapid.Int64Range(0, 1<<42).Draw(t, "since"))
	return receipt.Receipt{Since: since, Grant: tickets.Grant{
		Claim: tickets.Claim{
			Hold: tickets.HoldID(text.Draw(t, "hold")), Event: tickets.EventID(text.Draw(t, "event")),
			Account: tickets.Account(text.Draw(t, "account")), Seats: seats,
		},
		Until: since.Add(time.Minute), Token: rapid.Int64().Draw(t, "token"),
	}}
}

func TestAReceiptSaysWhatWasGranted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawn(t)
		text, err := receipts.Sign(want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := receipts.Check(text, want.Event, want.Account); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v, %v, want %+v", got, err, want)
		}
		if len(text) > 4000 {
			t.Fatalf("%d bytes are too long for a URL", len(text))
		}
		if _, err := receipts.Check(text, want.Event, want.Account+"x"); !errors.Is(err, receipt.ErrForeign) {
			t.Fatalf("of another account: %v", err)
		}
		if _, err := receipts.Check(text, want.Event+"x", want.Account); !errors.Is(err, receipt.ErrForeign) {
			t.Fatalf("of another event: %v", err)
		}
	})
}

func TestWithAByteChangedItIsForged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawn(t)
		text, err := receipts.Sign(want)
		if err != nil {
			t.Fatal(err)
		}
		changed := []byte(text)
		// Of the last character of base64 some bits mean nothing.
		at := rapid.IntRange(0, len(changed)-2).Draw(t, "at")
		changed[at] = rapid.ByteRange(' ', '~').Filter(func(b byte) bool { return b != text[at] }).Draw(t, "byte")
		if got, err := receipts.Check(string(changed), want.Event, want.Account); !errors.Is(err, receipt.ErrForged) {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

func TestOtherTokensAreNoReceipts(t *testing.T) {
	session, _, err := identity.Sessions{Secret: receipts.Secret, Now: time.Now}.Sign("ann", identity.Fan)
	if err != nil {
		t.Fatal(err)
	}
	other, err := receipt.Receipts{Secret: []byte("another")}.Sign(receipt.Receipt{Grant: tickets.Grant{Claim: tickets.Claim{Account: "ann", Event: "e"}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"a session": session, "another's": other, "nothing": ""} {
		if _, err := receipts.Check(text, "e", "ann"); !errors.Is(err, receipt.ErrForged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
