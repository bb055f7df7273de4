// Package testenv is kitenv for a test: where a backend is missing the test
// fails and names the command to type. Eventually is how a test waits.
package testenv

import (
	"context"
	"testing"
	"time"

	"designkits/shared/kitenv"
)

// Addr returns the loopback address of a backend, as kitenv.Addr does.
func Addr(tb testing.TB, name string) string {
	tb.Helper()
	return must(tb)(kitenv.Addr(name))
}

// Data returns the data folder of a backend.
func Data(tb testing.TB, backend string) string {
	tb.Helper()
	return must(tb)(kitenv.Data(backend))
}

// Namespace returns a new prefix for everything that the test stores. It is
// dropped when the test has ended.
func Namespace(tb testing.TB) string {
	tb.Helper()
	namespace := SharedNamespace(tb)
	tb.Cleanup(func() {
		if err := kitenv.Drop(context.Background(), namespace); err != nil {
			tb.Errorf("drop what the test has stored: %v", err)
		}
	})
	return namespace
}

// SharedNamespace is one for several tests of a package. Whoever started the
// backends drops it in the end.
func SharedNamespace(tb testing.TB) string {
	tb.Helper()
	return must(tb)(kitenv.Namespace())
}

func must(tb testing.TB) func(string, error) string {
	tb.Helper()
	return func(value string, err error) string {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return value
	}
}

// Eventually waits until a condition holds and says how long that took. When it
// doesn't within the time, the test fails with what was waited for.
func Eventually(tb testing.TB, within time.Duration, what string, holds func() bool) time.Duration {
	tb.Helper()
	began := time.Now()
	every := time.NewTicker(2 * time.Millisecond)
	defer every.Stop()
	for {
		looked := time.Now() // a test that was held up itself looks once more before it gives up
		if holds() {
			return time.Since(began)
		}
		if looked.Sub(began) > within {
			tb.Fatalf("not within %s: %s", within, what)
		}
		<-every.C
	}
}
