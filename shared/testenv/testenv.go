// Package testenv is kitenv for a test: where a backend is missing the test
// fails and names the command to type.
package testenv

import (
	"testing"

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

// Namespace returns a new prefix for everything that the test stores. Whoever
// starts the backends drops it, so a test need not.
func Namespace(tb testing.TB) string {
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
