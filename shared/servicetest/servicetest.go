// Package servicetest runs a case's process for a test as main does, but in the test's
// own program: with its coverage, its race detector and its check for goroutines that
// are left.
package servicetest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"designkits/shared/service"
	"designkits/shared/testenv"
)

// within is how long a process may take to serve: one that makes its tables, on a busy
// machine, takes longest.
const within = 2 * time.Minute

// A Process is one that serves.
type Process struct {
	URL string // "http://127.0.0.1:41234"

	t    testing.TB
	stop func()
}

// Start runs a process, which is to listen on port 0, with settings in its environment,
// and returns when it is ready. It is stopped when the test ends, if it wasn't before.
func Start(t testing.TB, name string, run func(context.Context, *service.Service) error, settings map[string]string) *Process {
	t.Helper()
	for variable, value := range settings {
		t.Setenv(variable, value)
	}
	// Not with the test's context, which ends before Cleanup: the process stops in good order.
	ctx, signal := context.WithCancel(context.WithoutCancel(t.Context()))
	started, ended := make(chan *service.Service, 1), make(chan struct{})
	var failed error // set before ended is closed
	go func() {      // ends with the process, which stop waits for
		defer close(ended)
		failed = service.Run(ctx, name, func(ctx context.Context, s *service.Service) error {
			started <- s
			return run(ctx, s)
		})
	}()
	p := &Process{t: t}
	p.stop = sync.OnceFunc(func() {
		http.DefaultClient.CloseIdleConnections()
		signal()
		select {
		case <-ended:
			if failed != nil {
				t.Errorf("%s after the signal: %v", name, failed)
			}
		case <-time.After(service.StopWithin):
			t.Errorf("%s doesn't stop", name)
		}
	})
	t.Cleanup(p.stop)
	addr, err := serving(ctx, started, ended)
	if err != nil {
		t.Fatalf("%s doesn't serve: %v", name, err) // its own error comes with the stop
	}
	p.URL = "http://" + addr.String()
	testenv.Eventually(t, within, name+" is ready", func() bool { return p.Status("/readyz") == http.StatusOK })
	return p
}

// serving returns where the process listens once it does.
func serving(ctx context.Context, started <-chan *service.Service, ended <-chan struct{}) (net.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	go func() { // a process that has ended isn't waited for; ends with the context
		select {
		case <-ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	select {
	case s := <-started:
		return s.Addr(ctx)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Stop ends the process as a signal does. It fails the test if that takes too long or
// leaves an error.
func (p *Process) Stop() {
	p.t.Helper()
	p.stop()
}

// Status is what a GET of a path is answered with.
func (p *Process) Status(path string) int {
	p.t.Helper()
	resp, err := http.Get(p.URL + path)
	if err != nil {
		p.t.Fatal(err)
	}
	_ = resp.Body.Close() // only the status is of interest
	return resp.StatusCode
}
