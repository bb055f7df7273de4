package bench

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/device"
	"designkits/cases/messaging/crowd"
	harness "designkits/shared/bench"
	"designkits/shared/rig"
)

var storm = harness.Bench{
	Name:  "reconnect-storm",
	About: "a gateway with 10,000 devices is killed: until all of them are connected and have caught up, and how many lose their connection once more",
	Run: func(ctx context.Context, r *harness.Run) (err error) {
		n := 10_000
		if r.Quick {
			n = 500
		}
		s, err := crowd.Open(ctx, rig.Options{})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close(ctx)) }()
		var all []messaging.Address
		for range n {
			all = append(all, crowd.Nobody())
		}
		first, both := []string{s.Addr("gateway-1")}, s.Gateways()
		var gateways atomic.Pointer[[]string]
		gateways.Store(&first) // all are at one of them
		devices, err := s.Connect(ctx, func() []string { return *gateways.Load() }, nil, all...)
		if err != nil {
			return err
		}
		kill := func(to []string) (half, whole time.Duration, err error) {
			gateways.Store(&to)
			before, began := ends(devices), time.Now()
			killed := make(chan error, 1)
			go func() { killed <- s.Kill(ctx, "gateway-1") }() // it is started again at once, as a supervisor does
			half, whole, err = back(ctx, devices, before, began)
			return half, whole, errors.Join(err, <-killed)
		}
		settle := func() error {
			select {
			case <-time.After(r.For(20 * time.Second)): // longer than a route holds on, and than a gateway's sweep
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		// Servers that have run for days aren't cold, as Cassandra's compiler is here
		// at first: once all come back to the same one, and that doesn't count.
		_, cold, err := kill(first)
		if err == nil {
			err = settle()
		}
		if err != nil {
			return err
		}
		r.Logf("warming up: back at the one that was killed after %.1f s", cold.Seconds())
		before := ends(devices)
		half, whole, err := kill(both)
		if err != nil {
			return err
		}
		r.Report(harness.Result{Name: "reconnect-storm", Unit: "s", Value: whole.Seconds(),
			Note: fmt.Sprintf("%d devices, half of them back after %.1f s", n, half.Seconds())}, harness.AtMost(10))
		if err := settle(); err != nil {
			return err
		}
		r.Report(harness.Result{Name: "reconnect-storm-again", Value: float64(ends(devices) - before - n),
			Note: "connections that ended once more, while all came back and in the 20 s after"}, harness.AtMost(0))
		return nil
	},
}

// back returns when half of the devices, and when all, had lost their connection and
// were connected again and current.
func back(ctx context.Context, devices map[messaging.Address]*device.Device, before int, began time.Time) (half, whole time.Duration, err error) {
	err = crowd.Await(ctx, 2*time.Minute, "devices that are back", len(devices), func() int {
		n := 0
		for _, d := range devices {
			if d.Current() {
				n++
			}
		}
		// Until all have noticed that it is gone nobody is back.
		if ends(devices) < before+len(devices) {
			return min(n, len(devices)-1)
		}
		if half == 0 && n >= len(devices)/2 {
			half = time.Since(began)
		}
		return n
	})
	return half, time.Since(began), err
}

// ends is how many connections have ended.
func ends(devices map[messaging.Address]*device.Device) (n int) {
	for _, d := range devices {
		n += d.Ends()
	}
	return n
}
