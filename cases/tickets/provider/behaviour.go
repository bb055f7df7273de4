package provider

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"designkits/cases/tickets"
)

// Behaviour is how good or bad the provider is. The zero Behaviour is one that
// always answers at once and tells its news once.
type Behaviour struct {
	// Latency is the median time of a request, and Latency99 that of the slowest
	// in a hundred; between them lies a log-normal distribution.
	Latency   Duration `json:"latency" env:"LATENCY" envDefault:"50ms"`
	Latency99 Duration `json:"latency99" env:"LATENCY_99" envDefault:"400ms"`
	// DeclineRate is the share of payments by tok_ok that are declined all the same.
	DeclineRate float64 `json:"declineRate" env:"DECLINE_RATE"`
	// TimeoutRate is the share of POSTs that take effect and are never answered.
	TimeoutRate float64 `json:"timeoutRate" env:"TIMEOUT_RATE"`
	// SlowAfter and LateAfter are when tok_slow and tok_late are authorised.
	SlowAfter Duration `json:"slowAfter" env:"SLOW_AFTER" envDefault:"3s"`
	LateAfter Duration `json:"lateAfter" env:"LATE_AFTER" envDefault:"15m"`
	// NoticeDelay is how long every notice waits before it is sent.
	NoticeDelay Duration `json:"noticeDelay" env:"NOTICE_DELAY"`
	// DuplicateRate is the share of notices that are sent again though they
	// arrived, and ReorderRate that of those that are held back, both for up to
	// ReorderWithin, so that later ones overtake them.
	DuplicateRate float64  `json:"duplicateRate" env:"DUPLICATE_RATE"`
	ReorderRate   float64  `json:"reorderRate" env:"REORDER_RATE"`
	ReorderWithin Duration `json:"reorderWithin" env:"REORDER_WITHIN" envDefault:"2s"`
}

// Duration is a time.Duration that is written as "1.5s".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// longest is the longest time of a Behaviour.
const longest = Duration(24 * time.Hour)

// Check returns an *Invalid unless the provider can behave like that.
func (b Behaviour) Check() error {
	for name, rate := range map[string]float64{
		"declineRate": b.DeclineRate, "timeoutRate": b.TimeoutRate, "duplicateRate": b.DuplicateRate, "reorderRate": b.ReorderRate,
	} {
		if !(rate >= 0 && rate <= 1) { // NaN is neither
			return &tickets.Invalid{Field: name, Reason: "must be from 0 to 1"}
		}
	}
	for name, d := range map[string]Duration{
		"latency": b.Latency, "latency99": b.Latency99, "slowAfter": b.SlowAfter, "lateAfter": b.LateAfter,
		"noticeDelay": b.NoticeDelay, "reorderWithin": b.ReorderWithin,
	} {
		if d < 0 || d > longest {
			return &tickets.Invalid{Field: name, Reason: fmt.Sprintf("must be from 0s to %s", time.Duration(longest))}
		}
	}
	if b.Latency99 < b.Latency || b.Latency == 0 && b.Latency99 > 0 {
		return &tickets.Invalid{Field: "latency99", Reason: "must be at least latency, and 0s where that is"}
	}
	return nil
}

// happens is true at the rate.
func happens(rate float64) bool { return rand.Float64() < rate }

// sampleLatency returns how long one request takes, at most a minute.
func (b Behaviour) sampleLatency() time.Duration {
	if b.Latency == 0 {
		return 0
	}
	const z99 = 2.3263 // of the standard normal distribution
	sigma := math.Log(float64(b.Latency99)/float64(b.Latency)) / z99
	return time.Duration(min(float64(b.Latency)*math.Exp(sigma*rand.NormFloat64()), float64(time.Minute)))
}

// sampleHold returns for how long a notice is held back before it is sent.
func (b Behaviour) sampleHold() time.Duration {
	hold := time.Duration(b.NoticeDelay)
	if happens(b.ReorderRate) {
		hold += b.sampleWithin()
	}
	return hold
}

// sampleWithin returns a time up to ReorderWithin.
func (b Behaviour) sampleWithin() time.Duration {
	return time.Duration(rand.Float64() * float64(b.ReorderWithin))
}
