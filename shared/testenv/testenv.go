// Package testenv tells a test where the real backends are that `kit test` has
// started for it, and gives it a namespace of its own on them.
//
// There is no stand-in for a backend: where one is missing the test fails and
// names the command to type.
package testenv

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// Addr returns the loopback address of a backend, "127.0.0.1:6379": that of
// its first port for "redis", that of a named port for "flink.sql".
func Addr(tb testing.TB, name string) string {
	tb.Helper()
	return lookup(tb, "KIT_"+variable(name))
}

// Data returns the data folder of a backend, where its files can be looked at.
func Data(tb testing.TB, backend string) string {
	tb.Helper()
	return lookup(tb, "KIT_"+variable(backend)+"_DATA")
}

// Namespace returns a new prefix for everything that the test stores: it
// matches [a-z][a-z0-9_]* and is at most 30 characters long. Whoever starts the
// backends drops all of a run's namespaces afterwards, so a test need not.
func Namespace(tb testing.TB) string {
	tb.Helper()
	var b [5]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return lookup(tb, "KIT_NAMESPACE") + "_" + hex.EncodeToString(b[:])
}

func variable(name string) string {
	return strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(name))
}

func lookup(tb testing.TB, variable string) string {
	tb.Helper()
	value := os.Getenv(variable)
	if value == "" {
		tb.Fatalf("%s is not set: this test needs real backends, run it by\n\tgo run ./infra/kit test", variable)
	}
	return value
}
