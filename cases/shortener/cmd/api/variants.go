package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/clicks"
	"designkits/cases/shortener/codes"
	"designkits/shared/service"
)

// variants are the choices that the design doc rejects, kept so that they can
// be run: each is the control of an experiment in curveballs/. The defaults are
// the design.
type variants struct {
	// Breaker off waits for Redis at every call, for as long as its client does.
	Breaker service.Toggle `env:"BREAKER" envDefault:"on"`
	// Cache off reads Cassandra at every redirect, each caller for itself.
	Cache service.Toggle `env:"CACHE" envDefault:"on"`
	// Spool off loses the clicks that Kafka doesn't take at once.
	Spool service.Toggle `env:"SPOOL_CLICKS" envDefault:"on"`
	// Limits off lets everybody do as much as they like.
	Limits service.Toggle `env:"LIMITS" envDefault:"on"`
	// TargetChecks off makes links to anything.
	TargetChecks service.Toggle `env:"TARGET_CHECKS" envDefault:"on"`
	// Codes are permuted; or sequential, the counter as it is; or hashed of the
	// target, so that all who shorten one target share a link.
	Codes string `env:"CODES" envDefault:"permuted"`
	// Versions are counted, or the time of this replica's clock.
	Versions string `env:"VERSIONS" envDefault:"counted"`
	// PermanentFor is how long a browser may keep a 301; 0 doesn't say, and so is
	// for good.
	PermanentFor time.Duration `env:"PERMANENT_FOR" envDefault:"24h"`
	// ClockOffset is how wrong this replica's clock is after it has jumped: see jumps.
	ClockOffset time.Duration `env:"CLOCK_OFFSET"`

	ahead *atomic.Int64 // ns, of the clock, as it is now
}

func (v variants) breaker(onChange func(from, to string)) *shortener.Breaker {
	config := shortener.BreakerConfig{OnChange: onChange}
	if !v.Breaker {
		config.Deadline, config.Failures = time.Minute, math.MaxInt32
	}
	return shortener.NewBreaker(config)
}

// A resolver finds what a code stands for.
type resolver interface {
	Resolve(ctx context.Context, code shortener.Code) (shortener.Link, error)
	Reread(code shortener.Code)
}

func (v variants) resolver(r *shortener.Resolver) resolver {
	if !v.Cache {
		return shortener.Uncached{Resolver: r}
	}
	return r
}

func (v variants) clickLog(log clicks.ClickLog) clicks.ClickLog {
	if !v.Spool {
		return clicks.Careless{Log: log}
	}
	return log
}

func (v variants) limiter(l shortener.Limiter) shortener.Limiter {
	if !v.Limits {
		return shortener.Unlimited{}
	}
	return l
}

// gate is for redirects; its rate 0 is no limit.
func (v variants) gate(perSecond float64, burst int) *shortener.Gate {
	if !v.Limits {
		perSecond = 0
	}
	return shortener.NewGate(perSecond, burst, limitedAtOnce, v.clock)
}

func (v variants) coder(g *codes.Generator) (shortener.Coder, error) {
	switch v.Codes {
	case "permuted":
		return g, nil
	case "sequential":
		return codes.Sequential{Generator: g}, nil
	case "hashed":
		return codes.Hashed{}, nil
	}
	return nil, fmt.Errorf("CODES is %q: permuted, sequential or hashed", v.Codes)
}

// clock is the replica's.
func (v variants) clock() time.Time { return time.Now().Add(time.Duration(v.ahead.Load())) }

// jumps returns what lets the clock jump by its offset at a SIGUSR1, and back at the
// next. An experiment sends it, while people follow links.
func (v variants) jumps() func(context.Context) error {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGUSR1)
	return func(ctx context.Context) error {
		defer signal.Stop(told)
		for {
			select {
			case <-told:
				v.ahead.Store(int64(v.ClockOffset) - v.ahead.Load())
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// nextVersion is the rule by which a changed link gets its version; nil for the
// store's own.
func (v variants) nextVersion() func(before int64) int64 {
	if v.Versions != "clock" {
		return nil
	}
	return func(int64) int64 { return v.clock().UnixMilli() }
}
