package room_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/room"

	"pgregory.net/rapid"
)

func TestLotsAreUniformAndStay(t *testing.T) {
	const accounts, bins = 100_000, 20
	counts := [bins]int{}
	for n := range accounts {
		account := tickets.Account(fmt.Sprintf("fan-%d", n))
		lot := room.Lot([]byte("secret"), "e", account)
		if lot != room.Lot([]byte("secret"), "e", account) || lot >= 1<<52 {
			t.Fatalf("lot %d of %s", lot, account)
		}
		counts[lot*bins>>52]++
	}
	// Chi-squared with 19 degrees of freedom is below 43.8 in 999 of 1000 cases.
	chi := 0.0
	for _, n := range counts {
		chi += math.Pow(float64(n-accounts/bins), 2) / (accounts / bins)
	}
	if chi > 43.8 {
		t.Errorf("chi-squared %.1f: %v", chi, counts)
	}
	if room.Lot([]byte("secret"), "e", "ann") == room.Lot([]byte("another"), "e", "ann") || room.Lot([]byte("secret"), "e", "ann") == room.Lot([]byte("secret"), "f", "ann") {
		t.Error("another secret or event draws the same lot")
	}
}

func TestWait(t *testing.T) {
	for _, c := range []struct {
		ahead int64
		rate  float64
		want  time.Duration
	}{{0, 10, 100 * time.Millisecond}, {99, 10, 10 * time.Second}, {5, 0, 0}} {
		if got := room.Wait(c.ahead, c.rate); got != c.want {
			t.Errorf("%d ahead at %v/s: %v", c.ahead, c.rate, got)
		}
	}
}

// Against a server whose p99 grows with what is let in, the rate settles near
// what the server can do, and comes back when the server gets slower.
func TestAdmissionFindsWhatBookingCanDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		capacity := rapid.Float64Range(50, 900).Draw(t, "capacity")
		a := room.NewAdmission(100*time.Millisecond, 10, 1000)
		settle := func() (low, high float64) {
			low = math.Inf(1)
			for look := range 400 {
				p99 := 20 * time.Millisecond
				if a.Rate() > capacity {
					p99 = time.Second
				}
				a.Look(p99)
				if look >= 200 {
					low, high = min(low, a.Rate()), max(high, a.Rate())
				}
			}
			return low, high
		}
		if low, high := settle(); low < 0.6*capacity || high > capacity+a.Step {
			t.Fatalf("between %v and %v, with %v possible", low, high, capacity)
		}
		capacity /= 3
		if low, high := settle(); low < max(0.6*capacity, 10) || high > max(capacity, 10)+a.Step {
			t.Fatalf("between %v and %v, with %v possible by then", low, high, capacity)
		}
	})
}

// However time is cut up, as many are let in as the rate says, and never a
// flood after a pause.
func TestDueFollowsTheRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Float64Range(1, 500).Draw(t, "rate")
		a := room.NewAdmission(time.Second, rate, rate)
		gone, let := time.Duration(0), 0
		for _, ms := range rapid.SliceOfN(rapid.IntRange(1, 900), 1, 100).Draw(t, "pauses") {
			gone += time.Duration(ms) * time.Millisecond
			let += a.Due(time.Duration(ms) * time.Millisecond)
		}
		if want := rate * gone.Seconds(); math.Abs(float64(let)-want) > 1.0001+1e-6*want {
			t.Fatalf("%d in %v at %v/s", let, gone, rate)
		}
		if n := a.Due(time.Hour); float64(n) > rate+1 {
			t.Fatalf("%d at once after a pause", n)
		}
	})
}
