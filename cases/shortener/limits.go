package shortener

import (
	"context"
	"math"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"designkits/shared/peer"

	"github.com/maypok86/otter/v2"
)

// A Bucket is a token bucket to be charged: it holds Burst tokens at most, gains
// Refill a second, and whoever wants something takes Cost of them. So over any
// stretch of time no more than Burst + Refill × seconds get through.
type Bucket struct {
	Key    string // whose it is: "key/OWNER/rate"
	Counts string // what its tokens are, for a person: "requests of a key at once"
	Burst  int
	Refill float64 // tokens a second, above 0
	Cost   int     // 0 only looks; more than Burst is never allowed
}

// PerDay is a bucket that n a day of what it counts go through, at once or spread.
func PerDay(key, counts string, n, cost int) Bucket {
	return Bucket{Key: key, Counts: counts, Burst: n, Refill: float64(n) / (24 * 60 * 60), Cost: cost}
}

// BucketsOf are the keys of an owner's buckets: that of the rate, and that of
// new links. The braces put both on one node of a Redis cluster, as a script
// that charges both needs it.
func BucketsOf(owner Owner) [2]string {
	prefix := "key/{" + string(owner) + "}"
	return [2]string{prefix + "/rate", prefix + "/links"}
}

// A Verdict says whether a charge was allowed, and how the tightest of its
// buckets stands: the one that refused, else the one with the fewest tokens.
type Verdict struct {
	Allowed    bool
	Limit      int           // its Burst
	Counts     string        // and its Counts
	Remaining  int           // whole tokens left
	Reset      time.Duration // until it is full again
	RetryAfter time.Duration // when refused: until Cost tokens are there
}

// A Limiter charges token buckets.
type Limiter interface {
	// Take takes the cost from all of the buckets, or from none when one of
	// them has too little. It is atomic: concurrent callers never get more out
	// of a bucket than was in it.
	Take(ctx context.Context, buckets ...Bucket) (Verdict, error)
}

// A level is how full a bucket is, as of a time.
type level struct {
	tokens float64
	at     time.Time
}

// refilled is the level at a time; a bucket that was never used is full.
func (l level) refilled(now time.Time, burst int, refill float64) level {
	if l.at.IsZero() {
		return level{float64(burst), now}
	}
	gone := max(now.Sub(l.at).Seconds(), 0) // a clock that was set back refills nothing
	return level{min(l.tokens+gone*refill, float64(burst)), now}
}

// LocalLimiter keeps its buckets in process, the least used of them for as long
// as there is room. Each replica has its own, so a caller may get as much out
// of every one of them.
type LocalLimiter struct {
	clock func() time.Time

	mu     sync.Mutex
	levels *otter.Cache[string, level]
}

// NewLocalLimiter returns a limiter with room for so many buckets.
func NewLocalLimiter(room int, clock func() time.Time) *LocalLimiter {
	return &LocalLimiter{clock: clock, levels: otter.Must(&otter.Options[string, level]{MaximumSize: room})}
}

// Take implements Limiter; it never fails.
func (l *LocalLimiter) Take(_ context.Context, buckets ...Bucket) (Verdict, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock()
	levels := make([]level, len(buckets))
	allowed := true
	for i, b := range buckets {
		held, _ := l.levels.GetIfPresent(b.Key)
		levels[i] = held.refilled(now, b.Burst, b.Refill)
		allowed = allowed && levels[i].tokens >= float64(b.Cost)
	}
	tokens := make([]float64, len(buckets))
	for i, b := range buckets {
		if allowed {
			levels[i].tokens -= float64(b.Cost)
			l.levels.Set(b.Key, levels[i])
		}
		tokens[i] = levels[i].tokens
	}
	return Judge(allowed, buckets, tokens), nil
}

// Judge makes the verdict of what is left in the buckets.
func Judge(allowed bool, buckets []Bucket, tokens []float64) Verdict {
	verdict := Verdict{Allowed: allowed, Remaining: math.MaxInt}
	for i, b := range buckets {
		var retry time.Duration
		if short := float64(b.Cost) - tokens[i]; !allowed && short > 0 {
			retry = seconds(short / b.Refill)
		}
		left := max(int(tokens[i]), 0)
		if retry > verdict.RetryAfter || verdict.RetryAfter == 0 && left < verdict.Remaining {
			verdict.Limit, verdict.Counts, verdict.Remaining, verdict.RetryAfter = b.Burst, b.Counts, left, retry
			verdict.Reset = seconds((float64(b.Burst) - tokens[i]) / b.Refill)
		}
	}
	return verdict
}

// seconds never overflows: the longest waits are years.
func seconds(s float64) time.Duration {
	return time.Duration(min(s*float64(time.Second), math.MaxInt64/2))
}

// A FallbackLimiter asks the shared limiter through the breaker, and a local
// one while that is away: a limit that is loose for a while is better than
// refusing everybody, or nobody.
type FallbackLimiter struct {
	shared  Limiter
	local   *LocalLimiter
	breaker *Breaker
	inLocal atomic.Int64
}

// NewFallbackLimiter returns a limiter that prefers shared.
func NewFallbackLimiter(shared Limiter, local *LocalLimiter, breaker *Breaker) *FallbackLimiter {
	return &FallbackLimiter{shared: shared, local: local, breaker: breaker}
}

// Take implements Limiter; it fails only when the context has ended.
func (f *FallbackLimiter) Take(ctx context.Context, buckets ...Bucket) (v Verdict, err error) {
	err = f.breaker.Do(ctx, func(ctx context.Context) (err error) {
		v, err = f.shared.Take(ctx, buckets...)
		return err
	})
	if err == nil {
		return v, nil
	}
	if ctx.Err() != nil {
		return Verdict{}, ctx.Err()
	}
	f.inLocal.Add(1)
	return f.local.Take(ctx, buckets...)
}

// Local is how many charges were judged in process, since the start.
func (f *FallbackLimiter) Local() int64 { return f.inLocal.Load() }

// Unlimited is a Limiter that allows everything.
type Unlimited struct{}

// Take implements Limiter.
func (Unlimited) Take(context.Context, ...Bucket) (Verdict, error) {
	return Verdict{Allowed: true}, nil
}

// A Gate limits the redirects of each address, in process: a trip to Redis
// would cost more than the redirect. Guesses at codes cost more than their
// token (see Penalise), so that a person is never stopped and a scanner soon.
type Gate struct {
	burst  int
	refill float64
	clock  func() time.Time
	levels *otter.Cache[netip.Addr, *gateLevel]
}

type gateLevel struct {
	mu sync.Mutex
	level
}

// GuessCost is how many tokens an unknown code costs, beside its own.
const GuessCost = 9

// NewGate returns a gate that lets perSecond redirects through for each
// address, and burst at once. It knows room addresses; of more it forgets the
// least seen. perSecond 0 lets everything through.
func NewGate(perSecond float64, burst, room int, clock func() time.Time) *Gate {
	return &Gate{
		burst: burst, refill: perSecond, clock: clock,
		levels: otter.Must(&otter.Options[netip.Addr, *gateLevel]{MaximumSize: room}),
	}
}

// Enter takes a token of the address, or returns a *TooMany.
func (g *Gate) Enter(addr netip.Addr) error {
	if g.refill == 0 {
		return nil
	}
	l := g.level(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.level = l.refilled(g.clock(), g.burst, g.refill)
	if l.tokens < 1 {
		return &TooMany{Limit: g.burst, Counts: "redirects of an address at once", RetryAfter: seconds((1 - l.tokens) / g.refill)}
	}
	l.tokens--
	return nil
}

// Penalise takes the cost of a wrong guess. It may leave a debt, of one burst
// at most.
func (g *Gate) Penalise(addr netip.Addr) {
	if g.refill == 0 {
		return
	}
	l := g.level(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.level = l.refilled(g.clock(), g.burst, g.refill)
	l.tokens = max(l.tokens-GuessCost, -float64(g.burst))
}

func (g *Gate) level(addr netip.Addr) *gateLevel {
	addr = peer.Network(addr)
	if l, ok := g.levels.GetIfPresent(addr); ok {
		return l
	}
	l, _ := g.levels.SetIfAbsent(addr, &gateLevel{})
	return l
}
