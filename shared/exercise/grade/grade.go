// Package grade is what an exercise's check begins with. A check is a test
// with the build tag exercise; it speaks the public API of the learner's build
// of the case, on real backends, and knows nothing of how it was done.
package grade

import (
	"context"
	"os"
	"strings"
	"testing"

	"designkits/shared/exercise"
	"designkits/shared/rig"
)

// Running is the environment variable that names a case which runs already:
// "api-1=127.0.0.1:4001,api-2=127.0.0.1:4002". Package proof sets it, to grade
// many builds with one check.
const Running = "EXERCISE_CASE"

// Start builds and starts the processes that the exercise in the working
// directory names, and returns where each listens: {"api-1": "127.0.0.1:4001"}.
func Start(t testing.TB) map[string]string {
	t.Helper()
	if text := os.Getenv(Running); text != "" {
		return parse(text)
	}
	e, err := exercise.Read(".")
	if err != nil {
		t.Fatal(err)
	}
	c, err := rig.Start(t.Context(), rig.Options{Only: e.Runs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.Background()); err != nil {
			t.Errorf("stop the case: %v", err)
		}
	})
	return Addresses(c)
}

// Addresses are those of all that runs.
func Addresses(c *rig.Case) map[string]string {
	addresses := map[string]string{}
	for _, name := range c.Names() {
		addresses[name] = c.Addr(name)
	}
	return addresses
}

// Format writes addresses as Running has them.
func Format(addresses map[string]string) string {
	var all []string
	for name, addr := range addresses {
		all = append(all, name+"="+addr)
	}
	return strings.Join(all, ",")
}

func parse(text string) map[string]string {
	addresses := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		name, addr, _ := strings.Cut(pair, "=")
		addresses[name] = addr
	}
	return addresses
}
