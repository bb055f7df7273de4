package main

import (
	"context"
	"testing"

	"designkits/cases/tickets"
	"designkits/cases/tickets/payments"
)

func TestAnUnknownVariantIsRefused(t *testing.T) {
	if _, err := (variants{PaymentKeys: "some"}).provider(nil); err == nil {
		t.Error("PAYMENT_KEYS=some was taken")
	}
}

// keyed remembers by which keys it was asked.
type keyed struct {
	payments.Provider
	keys map[string]bool
}

func (k *keyed) Refund(_ context.Context, key, _ string, _ tickets.Cents) (payments.Payment, error) {
	k.keys[key] = true
	return payments.Payment{}, nil
}

func TestAVariantForgetsItsKeys(t *testing.T) {
	for choice, want := range map[string]int{"stable": 1, "fresh": 2} {
		asked := &keyed{keys: map[string]bool{}}
		p, err := variants{PaymentKeys: choice}.provider(asked)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := p.Refund(t.Context(), "order:refund:0", "p1", 100); err != nil {
				t.Fatal(err)
			}
		}
		if len(asked.keys) != want {
			t.Errorf("%s: %d keys, want %d", choice, len(asked.keys), want)
		}
	}
}
