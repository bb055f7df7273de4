package redis_test

import (
	"context"
	"errors"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/postgres"
	"designkits/cases/tickets/adapters/redis"
	"designkits/cases/tickets/claimstest"
	"designkits/shared/fault/link"
	"designkits/shared/leaktest"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// open returns a client of the Redis at addr, and its namespace.
func open(t *testing.T, addr string) (*redis.Client, string) {
	t.Helper()
	namespace := testenv.Namespace(t)
	client := redis.Open(addr, namespace)
	t.Cleanup(func() {
		if err := client.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return client, namespace
}

// record opens the real record of sales.
func record(t *testing.T) *postgres.Sales {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Config{
		Addr: testenv.Addr(t, "postgres"), Namespace: testenv.Namespace(t), Timeout: 20 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db.Sales()
}

func TestClaims(t *testing.T) {
	client, _ := open(t, testenv.Addr(t, "redis"))
	sales := record(t)
	claimstest.Run(t, func(context.Context, tickets.EventID, []tickets.SeatID) (tickets.Claims, error) {
		return client.Claims(sales), nil
	})
}

func TestTheContractCatchesSetNX(t *testing.T) {
	client, _ := open(t, testenv.Addr(t, "redis"))
	for _, rule := range []string{"a hold that is over can't be bought", "a seat takes the steps that its state allows, and no others"} {
		claimstest.Catches(t, func(context.Context, tickets.EventID, []tickets.SeatID) (tickets.Claims, error) {
			return client.SetNX(), nil
		}, rule)
	}
}

// a claim of two seats for as long as a test takes.
func claim(hold string, seats ...tickets.SeatID) tickets.Claim {
	return tickets.Claim{Hold: tickets.HoldID(hold), Event: "e", Account: "ann", Seats: seats, For: 10 * time.Minute}
}

// Redis comes back empty: who had held may buy as long as nobody else has, and
// what was sold isn't sold again.
func TestARedisThatHasLostEverythingSellsNothingTwice(t *testing.T) {
	client, namespace := open(t, testenv.Addr(t, "redis"))
	claims := client.Claims(record(t))
	ctx := t.Context()
	sold, err := claims.Hold(ctx, claim("sold", "a/A/1", "a/A/2"))
	if err != nil {
		t.Fatal(err)
	}
	if err := claims.Confirm(ctx, sold, "first"); err != nil {
		t.Fatal(err)
	}
	held, err := claims.Hold(ctx, claim("held", "a/A/3"))
	if err != nil {
		t.Fatal(err)
	}
	lose(t, namespace)

	again, err := claims.Hold(ctx, claim("again", "a/A/2", "a/A/3"))
	if err != nil {
		t.Fatal(err) // Redis knows no better
	}
	if again.Token <= held.Token {
		t.Errorf("token %d after %d", again.Token, held.Token)
	}
	var taken *tickets.Taken
	if err := claims.Confirm(ctx, again, "second"); !errors.As(err, &taken) {
		t.Errorf("sold twice: %v", err)
	}
	if err := claims.Confirm(ctx, held, "third"); !errors.Is(err, tickets.ErrGone) {
		t.Errorf("a hold that was lost: %v", err)
	}
	if err := claims.Release(ctx, again); err != nil {
		t.Fatal(err)
	}
	if err := claims.Restore(ctx, "e"); err != nil {
		t.Fatal(err)
	}
	if _, err := claims.Hold(ctx, claim("more", "a/A/2")); !errors.As(err, &taken) {
		t.Errorf("after the restoration: %v", err)
	}
}

// lose removes everything that the namespace holds, as a Redis that comes back
// empty would.
func lose(t *testing.T, namespace string) {
	t.Helper()
	client := goredis.NewClient(&goredis.Options{Addr: testenv.Addr(t, "redis")})
	defer client.Close()
	keys, err := client.Keys(t.Context(), namespace+":*").Result()
	if err != nil || len(keys) == 0 {
		t.Fatalf("there was nothing to lose: %v", err)
	}
	if err := client.Del(t.Context(), keys...).Err(); err != nil {
		t.Fatal(err)
	}
}

// Who has held before Redis went away can still buy, once.
func TestWhatIsHeldCanBeBoughtWhileRedisIsAway(t *testing.T) {
	way, err := link.Open(testenv.Addr(t, "redis"))
	if err != nil {
		t.Fatal(err)
	}
	defer way.Close()
	client, _ := open(t, way.Addr())
	claims := client.Claims(record(t))
	ctx := t.Context()
	g, err := claims.Hold(ctx, claim("held", "a/A/1", "a/A/2"))
	if err != nil {
		t.Fatal(err)
	}
	way.Cut()
	if err := claims.Confirm(ctx, g, "o"); err != nil {
		t.Fatalf("while Redis is away: %v", err)
	}
	if _, err := claims.Hold(ctx, claim("more", "a/A/3")); err == nil || tickets.Expected(err) {
		t.Errorf("held while Redis is away: %v", err)
	}
	if err := way.Mend(); err != nil {
		t.Fatal(err)
	}
	var taken *tickets.Taken
	if err := claims.Confirm(ctx, g, "another"); !errors.As(err, &taken) {
		t.Errorf("bought twice: %v", err)
	}
}

// A refund that the record has noted and Redis hasn't heard of can be repeated.
func TestARefundGoesOnWhenRedisIsBack(t *testing.T) {
	way, err := link.Open(testenv.Addr(t, "redis"))
	if err != nil {
		t.Fatal(err)
	}
	defer way.Close()
	client, _ := open(t, way.Addr())
	claims := client.Claims(record(t))
	ctx := t.Context()
	g, err := claims.Hold(ctx, claim("held", "a/A/1", "a/A/2"))
	if err != nil {
		t.Fatal(err)
	}
	if err := claims.Confirm(ctx, g, "o"); err != nil {
		t.Fatal(err)
	}
	way.Cut()
	if err := claims.Refund(ctx, "e", "o", nil); err == nil {
		t.Error("refunded while Redis is away")
	}
	if err := way.Mend(); err != nil {
		t.Fatal(err)
	}
	if err := claims.Refund(ctx, "e", "o", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := claims.Hold(ctx, claim("next", "a/A/1", "a/A/2")); err != nil {
		t.Errorf("the seats stay sold: %v", err)
	}
}

// What an account holds is counted until the last of its holds ends, and then
// takes no memory any more.
func TestTheCountOfAnAccountEndsWithItsLastHold(t *testing.T) {
	client, namespace := open(t, testenv.Addr(t, "redis"))
	claims := client.Claims(record(t))
	plain := goredis.NewClient(&goredis.Options{Addr: testenv.Addr(t, "redis")})
	defer plain.Close()
	left := func() time.Duration {
		t.Helper()
		d, err := plain.PTTL(t.Context(), namespace+":{e}:held:ann").Result()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	hold := func(name string, d time.Duration, seats ...tickets.SeatID) tickets.Grant {
		t.Helper()
		c := claim(name, seats...)
		c.For, c.AtMost = d, 8
		g, err := claims.Hold(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	g := hold("long", 10*time.Minute, "a/A/1", "a/A/2")
	hold("short", time.Minute, "a/A/3")
	if got := left(); got < 9*time.Minute || got > 10*time.Minute {
		t.Errorf("after a hold for 10 min and one for 1 min it ends in %s", got)
	}
	if _, err := claims.Extend(t.Context(), g, 20*time.Minute); err != nil {
		t.Fatal(err)
	}
	if got := left(); got < 19*time.Minute || got > 20*time.Minute {
		t.Errorf("extended to 20 min it ends in %s", got)
	}
}
