package shortener

import (
	"errors"
	"testing"
	"time"
)

func TestExpiryRules(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		expires time.Time
		rule    string
	}{
		{time.Time{}, ""},
		{now.Add(time.Millisecond), ""},
		{now.Add(MaxLifetime), ""},
		{now, "past"},
		{now.Add(-time.Hour), "past"},
		{now.Add(999 * time.Microsecond), "past"}, // nothing is left of it in milliseconds
		{now.Add(MaxLifetime + time.Second), "too-far"},
	} {
		got, err := CheckExpiry(c.expires, now)
		var invalid *Invalid
		switch {
		case c.rule == "" && (err != nil || !got.Equal(c.expires)):
			t.Errorf("%v became %v (%v)", c.expires, got, err)
		case c.rule != "" && (!errors.As(err, &invalid) || invalid.Rule != c.rule):
			t.Errorf("%v: got %v, wanted rule %s", c.expires, err, c.rule)
		}
	}
}
