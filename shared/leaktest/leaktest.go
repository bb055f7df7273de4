// Package leaktest fails tests that leave goroutines behind. It is goleak, which
// knows what libraries leave that nobody can end.
package leaktest

import (
	"testing"

	"go.uber.org/goleak"
)

// Main runs a package's tests, and fails when goroutines are left afterwards.
func Main(m goleak.TestingM, options ...goleak.Option) {
	goleak.VerifyTestMain(m, append(options, libraries()...)...)
}

// Check fails the test when goroutines that began after the call are there at the
// test's end. Call it first: what the test stops has stopped by then.
func Check(t testing.TB) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if err := Find(before); err != nil {
			t.Error(err)
		}
	})
}

// Find returns an error that names the goroutines that are there.
func Find(options ...goleak.Option) error {
	return goleak.Find(append(options, libraries()...)...)
}

func libraries() []goleak.Option {
	return []goleak.Option{
		// Toxiproxy, of which package link is made: where a connection breaks with
		// something on its way through, these two wait for good for who has gone. An open
		// link has others besides, and is found.
		goleak.IgnoreTopFunction("github.com/Shopify/toxiproxy/v2/toxics.(*NoopToxic).Pipe"),
		goleak.IgnoreTopFunction("github.com/Shopify/toxiproxy/v2/stream.(*ChanWriter).Write"),
	}
}
