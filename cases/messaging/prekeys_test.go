package messaging_test

import (
	"errors"
	"testing"

	"designkits/cases/messaging"
)

func TestABundleIsCheckedForWhatAServerCanTell(t *testing.T) {
	key := func(n int) []byte { return make([]byte, n) }
	good := func(change func(*messaging.Bundle)) messaging.Bundle {
		b := messaging.Bundle{Identity: key(33), Signed: key(100), OneTime: []messaging.Prekey{{ID: 1, Key: key(33)}, {ID: 2, Key: key(33)}}}
		change(&b)
		return b
	}
	for name, c := range map[string]struct {
		bundle messaging.Bundle
		field  string
	}{
		"as it should be":        {good(func(*messaging.Bundle) {}), ""},
		"without one-time keys":  {good(func(b *messaging.Bundle) { b.OneTime = nil }), ""},
		"large keys":             {good(func(b *messaging.Bundle) { b.Signed = key(messaging.MaxKey) }), ""},
		"no identity":            {good(func(b *messaging.Bundle) { b.Identity = nil }), "identityKey"},
		"too large":              {good(func(b *messaging.Bundle) { b.Signed = key(messaging.MaxKey + 1) }), "signedPreKey"},
		"an empty one-time key":  {good(func(b *messaging.Bundle) { b.OneTime[1].Key = nil }), "oneTime"},
		"a number twice":         {good(func(b *messaging.Bundle) { b.OneTime[1].ID = 1 }), "oneTime"},
		"too many one-time keys": {good(func(b *messaging.Bundle) { b.OneTime = make([]messaging.Prekey, messaging.MaxOneTime+1) }), "oneTime"},
		"as many as are allowed": {good(func(b *messaging.Bundle) {
			b.OneTime = nil
			for id := range uint32(messaging.MaxOneTime) {
				b.OneTime = append(b.OneTime, messaging.Prekey{ID: id, Key: key(33)})
			}
		}), ""},
	} {
		err := c.bundle.Check()
		var invalid *messaging.Invalid
		switch {
		case c.field == "" && err != nil:
			t.Errorf("%s: got %v, wanted no error", name, err)
		case c.field != "" && (!errors.As(err, &invalid) || invalid.Field != c.field):
			t.Errorf("%s: got %v, wanted it to be about %s", name, err, c.field)
		}
	}
}
