package room

import "time"

// Admission decides how many a second are let in: more, step by step, while
// booking answers fast, and at once far fewer when it doesn't (additive
// increase, multiplicative decrease). The zero value isn't useful; its methods
// are for one goroutine.
type Admission struct {
	Target   time.Duration // what booking's p99 is to stay below
	Min, Max float64       // a second
	Step     float64       // more after each good look
	Backoff  float64       // what is left of the rate after a bad one, below 1

	rate, owed float64
}

// NewAdmission returns an Admission with ordinary steps, which begins at min.
func NewAdmission(target time.Duration, min, max float64) *Admission {
	return &Admission{Target: target, Min: min, Max: max, Step: (max - min) / 50, Backoff: 0.7, rate: min}
}

// Rate is how many a second are let in at the moment.
func (a *Admission) Rate() float64 { return a.rate }

// Resume goes on at a rate that was found before.
func (a *Admission) Resume(rate float64) { a.rate = min(max(rate, a.Min), a.Max) }

// Look takes in booking's p99 of the last while; zero means that nobody asked
// it for anything, which is no reason to go slower.
func (a *Admission) Look(p99 time.Duration) {
	if p99 > a.Target {
		a.rate *= a.Backoff
	} else {
		a.rate += a.Step
	}
	a.rate = min(max(a.rate, a.Min), a.Max)
}

// Due returns how many may be let in after the time that has gone by, of which
// at most a second counts. The fraction that is left over counts next time.
func (a *Admission) Due(gone time.Duration) int {
	a.owed += a.rate * min(gone, time.Second).Seconds()
	n := int(a.owed)
	a.owed -= float64(n)
	return n
}
