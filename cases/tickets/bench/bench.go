// Package bench measures the ticket sale side by side with its baselines: `kit
// bench tickets`. The latest figures stand in results.json, each with its day where
// that is another; DESIGN.md and the capacity sheet take theirs from there.
//
// The processes are those of the case, as they ship, and cmd bare below this
// folder stands for the least that the same answer costs. Claims are compared
// in this process, since there it is the stores that are compared. All get
// their load from this process, which on a small machine takes a share of the
// cores, the same from either side.
package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/postgres"
	"designkits/cases/tickets/adapters/redis"
	"designkits/cases/tickets/identity"
	harness "designkits/shared/bench"
	"designkits/shared/kitenv"
)

// All are the benches, in the order of the table.
var All = []harness.Bench{oversold, claimsBlind, claimsInformed, refusedThoughFree, holdsHTTP, roomJoins, roomMemory, holdFreed, mapDeltas, botsShare}

// workers are the connections of the load.
const workers = 64

// secret signs what processes check, so that the load can sign for itself.
const secret = "0123456789abcdef0123456789abcdef"

// secrets are the settings of processes whose sessions and keys are known here.
var secrets = map[string]string{"SESSION_SECRET": secret, "PROVIDER_KEY": secret}

// session is the session of a new fan.
func session() string {
	_, token := newFan()
	return token
}

// newFan is a new account and its session, which it has had for a minute.
func newFan() (account tickets.Account, token string) {
	account = identity.NewAccount()
	minted := identity.Sessions{Secret: []byte(secret), Now: func() time.Time { return time.Now().Add(-time.Minute) }}
	token, _, _ = minted.Sign(account, identity.Fan) // one that couldn't be signed is refused
	return account, token
}

// A store is both stores of one namespace, as the processes use them.
type store struct {
	namespace string
	db        *postgres.DB
	redis     *redis.Client
	redisAt   string
}

// openStore opens the stores in a new namespace. The caller closes them.
func openStore(ctx context.Context, connections int32) (*store, error) {
	var at [2]string
	for i, name := range []string{"postgres", "redis"} {
		var err error
		if at[i], err = kitenv.Addr(name); err != nil {
			return nil, err
		}
	}
	namespace, err := kitenv.Namespace()
	if err != nil {
		return nil, err
	}
	db, err := postgres.Open(ctx, postgres.Config{Addr: at[0], Namespace: namespace, Connections: connections, Timeout: 20 * time.Second})
	if err != nil {
		return nil, err
	}
	return &store{namespace, db, redis.Open(at[1], namespace), at[1]}, nil
}

// close gives Redis its memory back, which is small: the next bench needs it.
func (s *store) close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	s.db.Close()
	return errors.Join(s.redis.Close(ctx), forget(ctx, s.redisAt, s.namespace))
}

// forget removes the keys whose names begin with the prefix.
func forget(ctx context.Context, addr, prefix string) error {
	client := goredis.NewClient(&goredis.Options{Addr: addr})
	defer client.Close()
	for cursor := uint64(0); ; {
		keys, next, err := client.Scan(ctx, cursor, prefix+"*", 1000).Result()
		if err == nil && len(keys) > 0 {
			err = client.Unlink(ctx, keys...).Err()
		}
		if err != nil {
			return fmt.Errorf("give back the memory of %s: %w", prefix, err)
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// sells adds events in a hall, whose sale has begun and in which seats are held
// for d, and with all extensions five times as long, as in the events that ship.
func (s *store) sells(ctx context.Context, venue string, room bool, d time.Duration, events ...tickets.EventID) error {
	var failed error
	for _, id := range events {
		_, err := s.db.Events().Add(ctx, tickets.Event{
			ID: id, Name: "An evening of the bench", Venue: venue, Starts: time.Now().Add(24 * time.Hour), OnSale: time.Now().Add(-time.Minute), Room: room,
			Currency: "EUR", Prices: map[string]tickets.Cents{"1": 6500, "2": 3800, "3": 2000}, PerAccount: 8, HoldFor: d, MaxHold: 5 * d,
		})
		failed = errors.Join(failed, err)
	}
	if failed != nil {
		return fmt.Errorf("open the events of the bench: %w", failed)
	}
	return nil
}
