package main

import (
	"context"
	"crypto/rand"
	"fmt"

	"designkits/cases/tickets"
	"designkits/cases/tickets/payments"
)

// variants are choices that the design rejects, kept so that they can be run:
// each is the control of an experiment in curveballs/. The defaults are the design.
type variants struct {
	// PaymentKeys name a step of an order, whoever asks and however often; or are
	// fresh, a new one for each try.
	PaymentKeys string `env:"PAYMENT_KEYS" envDefault:"stable"`
}

func (v variants) provider(p payments.Provider) (payments.Provider, error) {
	switch v.PaymentKeys {
	case "stable":
		return p, nil
	case "fresh":
		return forgetful{p}, nil
	}
	return nil, fmt.Errorf("PAYMENT_KEYS is %q: stable or fresh", v.PaymentKeys)
}

// forgetful asks the provider each time as if it were the first.
type forgetful struct{ payments.Provider }

func (f forgetful) Authorise(ctx context.Context, _ string, c payments.Charge) (payments.Payment, error) {
	return f.Provider.Authorise(ctx, rand.Text(), c)
}

func (f forgetful) Capture(ctx context.Context, _, payment string) (payments.Payment, error) {
	return f.Provider.Capture(ctx, rand.Text(), payment)
}

func (f forgetful) Void(ctx context.Context, _, payment string) (payments.Payment, error) {
	return f.Provider.Void(ctx, rand.Text(), payment)
}

func (f forgetful) Refund(ctx context.Context, _, payment string, amount tickets.Cents) (payments.Payment, error) {
	return f.Provider.Refund(ctx, rand.Text(), payment, amount)
}
