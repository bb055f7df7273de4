package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/shared/httpjson"
)

const (
	// LowPrekeys is when a device should publish more one-time prekeys.
	LowPrekeys = 20
	// MaxClaimed is how many people's bundles one request asks for.
	MaxClaimed = 25
	// claimsAtOnce is how many devices' bundles one request claims at a time.
	claimsAtOnce = 8
)

// A signedPrekey and the last resort stand in a bundle's Signed, which the store
// keeps as it is.
type signedPrekey struct {
	messaging.Prekey
	Signature []byte `json:"signature"`
}

type signed struct {
	RegistrationID uint32            `json:"registrationId"`
	SignedPreKey   signedPrekey      `json:"signedPreKey"`
	LastResort     *messaging.Prekey `json:"lastResort,omitempty"`
}

// published is what a device publishes: client/e2e's PublicKeys.
type published struct {
	signed
	IdentityKey []byte             `json:"identityKey"`
	OneTime     []messaging.Prekey `json:"oneTime"`
}

// claimed is what somebody needs to write to a device: client/e2e's Bundle.
type claimed struct {
	RegistrationID uint32            `json:"registrationId"`
	IdentityKey    []byte            `json:"identityKey"`
	SignedPreKey   signedPrekey      `json:"signedPreKey"`
	PreKey         *messaging.Prekey `json:"preKey,omitempty"`
}

func (p published) bundle(of messaging.Address) (messaging.Bundle, error) {
	if n := len(p.SignedPreKey.Key); n == 0 || len(p.SignedPreKey.Signature) != 64 {
		return messaging.Bundle{}, &messaging.Invalid{Field: "signedPreKey", Reason: "a key with its signature of 64 bytes"}
	}
	if p.LastResort != nil && len(p.LastResort.Key) == 0 {
		return messaging.Bundle{}, &messaging.Invalid{Field: "lastResort", Reason: "a key, or leave it out"}
	}
	text, err := json.Marshal(p.signed)
	if err != nil {
		return messaging.Bundle{}, fmt.Errorf("keep prekeys of %s: %w", of, err)
	}
	b := messaging.Bundle{Device: of, Identity: p.IdentityKey, Signed: text, OneTime: p.OneTime}
	return b, b.Check()
}

func claimedOf(b messaging.Bundle) (claimed, error) {
	var s signed
	if err := json.Unmarshal(b.Signed, &s); err != nil {
		return claimed{}, fmt.Errorf("the signed prekey of %s: %w", b.Device, err)
	}
	c := claimed{RegistrationID: s.RegistrationID, IdentityKey: b.Identity, SignedPreKey: s.SignedPreKey, PreKey: s.LastResort}
	if len(b.OneTime) > 0 {
		c.PreKey = &b.OneTime[0]
	}
	return c, nil
}

// publish stores the keys of the device that asks. More one-time prekeys than
// messaging.MaxOneTime come in several requests. It is a PUT: once more is harmless.
func (s *Keys) publish(w http.ResponseWriter, r *http.Request) error {
	a, err := s.device(r)
	if err != nil {
		return err
	}
	if err := s.limit(r.Context(), "publications of keys", s.Limits.PublishesAnHour, time.Hour, a.String()); err != nil {
		return err
	}
	var body published
	if err := read(w, r, &body); err != nil {
		return err
	}
	b, err := body.bundle(a)
	if err != nil {
		return err
	}
	if err := s.prekeys.Publish(r.Context(), b); err != nil {
		return err
	}
	return s.tellCount(w, r, a)
}

// count tells a device how many of its one-time prekeys are left.
func (s *Keys) count(w http.ResponseWriter, r *http.Request) error {
	a, err := s.device(r)
	if err != nil {
		return err
	}
	return s.tellCount(w, r, a)
}

func (s *Keys) tellCount(w http.ResponseWriter, r *http.Request, a messaging.Address) error {
	left, err := s.prekeys.Count(r.Context(), a)
	if err != nil {
		return err
	}
	return httpjson.Write(w, http.StatusOK, map[string]any{"left": left, "low": left < LowPrekeys, "atOnce": messaging.MaxOneTime})
}

// bundles are what is claimed.
type bundles struct {
	Bundles map[messaging.Address]claimed `json:"bundles"`
	// Missing are devices that have published nothing yet.
	Missing []messaging.Address `json:"missing"`
}

// claim gives out the bundles of all devices of people but the caller's own device,
// with at most one one-time prekey each, which nobody else gets.
func (s *Keys) claim(w http.ResponseWriter, r *http.Request) error {
	a, err := s.device(r)
	if err != nil {
		return err
	}
	if err := s.limit(r.Context(), "claims", s.Limits.ClaimsAMinute, time.Minute, string(a.User)); err != nil {
		return err
	}
	var body struct {
		Users []messaging.UserID `json:"users"`
	}
	return once(s.api, w, r, &body, request[bundles]{
		caller: a.String(),
		do:     func(ctx context.Context, _ string) (bundles, error) { return s.claimAll(ctx, a, body.Users) },
		say:    func(b bundles) error { return httpjson.Write(w, http.StatusOK, b) },
	})
}

func (s *Keys) claimAll(ctx context.Context, by messaging.Address, users []messaging.UserID) (bundles, error) {
	all := bundles{map[messaging.Address]claimed{}, []messaging.Address{}}
	if err := checkPeople(users, MaxClaimed); err != nil {
		return all, err
	}
	var pairs []string
	for _, u := range users {
		if u != by.User {
			pairs = append(pairs, string(by.User)+">"+string(u))
		}
	}
	if len(pairs) > 0 {
		if err := s.limit(ctx, "claims of one person", s.Limits.ClaimsOfOneHour, time.Hour, pairs...); err != nil {
			return all, err
		}
	}
	devices, err := s.accounts.Devices(ctx, users)
	if err != nil {
		return all, err
	}
	var mu sync.Mutex
	claims, ctx := errgroup.WithContext(ctx)
	claims.SetLimit(claimsAtOnce)
	for _, d := range devices {
		if d.Address == by {
			continue
		}
		claims.Go(func() error {
			b, err := s.prekeys.Claim(ctx, d.Address)
			var c claimed
			if err == nil {
				c, err = claimedOf(b)
			}
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, messaging.ErrNotFound) {
				all.Missing = append(all.Missing, d.Address)
				return nil
			}
			all.Bundles[d.Address] = c
			return err
		})
	}
	return all, claims.Wait()
}
