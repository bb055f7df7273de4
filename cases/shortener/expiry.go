package shortener

import "time"

// MaxLifetime is how far ahead a link may expire. Who wants longer wants never.
const MaxLifetime = 10 * 365 * 24 * time.Hour

// CheckExpiry returns the expiry as it is stored, in UTC to the millisecond, or
// a *Invalid. Zero means never and is fine.
func CheckExpiry(expires, now time.Time) (time.Time, error) {
	if expires.IsZero() {
		return time.Time{}, nil
	}
	expires = expires.UTC().Truncate(time.Millisecond)
	switch {
	case !expires.After(now):
		return time.Time{}, &Invalid{Field: "expires", Rule: "past",
			Reason: "the expiry " + expires.Format(time.RFC3339) + " has passed already: give a time to come, or none for a link that stays"}
	case expires.Sub(now) > MaxLifetime:
		return time.Time{}, &Invalid{Field: "expires", Rule: "too-far",
			Reason: "the expiry " + expires.Format(time.RFC3339) + " is more than ten years away: leave it out for a link that stays"}
	}
	return expires, nil
}
