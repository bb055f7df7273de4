// Package kitenv tells a program that the kit has started, be it a test, a bench
// or an experiment, where the real backends are, and gives it namespaces of its
// own on them.
//
// There is no stand-in for a backend: where one is missing, the error names the
// command to type.
package kitenv

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"designkits/shared/fault"
)

// Addr returns the loopback address of a backend, "127.0.0.1:6379": that of
// its first port for "redis", that of a named port for "flink.sql".
func Addr(name string) (string, error) { return lookup("KIT_" + variable(name)) }

// Data returns the data folder of a backend, where its files can be looked at.
func Data(backend string) (string, error) { return lookup("KIT_" + variable(backend) + "_DATA") }

// Programs is the folder in which programs that are built for a test, a bench or an
// experiment stay for the next one; "" where nobody keeps them.
func Programs() string { return os.Getenv("KIT_PROGRAMS") }

// Namespace returns a new prefix for everything that is stored: it matches
// [a-z][a-z0-9_]* and is at most 30 characters long. Whoever is done
// with it may Drop it; whoever started the backends drops all of a run's afterwards.
func Namespace() (string, error) {
	run, err := lookup("KIT_NAMESPACE")
	if err != nil {
		return "", err
	}
	var b [5]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return run + "_" + hex.EncodeToString(b[:]), nil
}

// Drop has the kit remove all that is stored in a namespace which nobody uses any
// more, in its own time. Backends that were started otherwise keep it.
func Drop(ctx context.Context, namespace string) error {
	if os.Getenv(fault.Variable) == "" {
		return nil
	}
	kit, err := fault.Open()
	if err != nil {
		return err
	}
	return kit.Drop(ctx, namespace)
}

func variable(name string) string {
	return strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(name))
}

func lookup(variable string) (string, error) {
	value := os.Getenv(variable)
	if value == "" {
		return "", fmt.Errorf("%s is not set: this needs real backends, which `go run ./infra/kit test`, bench and curveball start for it", variable)
	}
	return value, nil
}
