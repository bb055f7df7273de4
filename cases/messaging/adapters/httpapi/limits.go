package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"designkits/cases/messaging"
	"designkits/shared/peer"
)

// A Counter counts tries for all processes together.
type Counter interface {
	// Count adds one to each key and returns how many there were of each in the
	// window that ends now.
	Count(ctx context.Context, window time.Duration, keys ...string) ([]int, error)
}

// Limits say how often something may be tried, each in a window of its own.
type Limits struct {
	AccountsAnHour       int // new accounts from one address
	CodesAMinute         int // link codes tried from one address, or asked for by one account
	LookUpsAMinute       int // people looked up by one account, by name or id
	LookUpsOfManyAMinute int // requests by one account that look people up by their ids, MaxLookedUp each
	ClaimsAMinute        int // requests for bundles by one account, MaxClaimed people each
	ClaimsOfOneHour      int // requests for the bundles of one person by one other: each may use up a prekey
	PublishesAnHour      int // requests that publish keys, by one device
	UploadsAnHour        int // uploads begun by one account
}

// UsualLimits are what a person stays far below.
var UsualLimits = Limits{
	AccountsAnHour: 10, CodesAMinute: 10, LookUpsAMinute: 60, LookUpsOfManyAMinute: 60,
	ClaimsAMinute: 60, ClaimsOfOneHour: 30, PublishesAnHour: 60, UploadsAnHour: 100,
}

// A tooOften says that a limit was passed.
type tooOften struct {
	what  string
	after time.Duration
}

func (e *tooOften) Error() string {
	return fmt.Sprintf("too many %s: wait %s", e.what, e.after)
}

// Is makes it a messaging.ErrTooMany.
func (e *tooOften) Is(target error) bool { return target == messaging.ErrTooMany }

// limit counts a try and returns a *tooOften above the limit. Keys begin with what
// is tried.
func (a *api) limit(ctx context.Context, what string, most int, window time.Duration, keys ...string) error {
	for i := range keys {
		keys[i] = what + ":" + keys[i]
	}
	counts, err := a.Counter.Count(ctx, window, keys...)
	if err != nil {
		return err
	}
	for _, n := range counts {
		if n > most {
			return &tooOften{what, window / time.Duration(max(most, 1))}
		}
	}
	return nil
}

// network is what a request's caller has as addresses, as a key.
func (a *api) network(r *http.Request) string {
	return peer.Network(peer.Address(r, a.Trusted)).String()
}
