// Package grade is what an exercise's check begins with. A check is a test
// with the build tag exercise; it speaks the public API of the learner's build
// of the case, on real backends, and knows nothing of how it was done.
package grade

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"designkits/shared/exercise"
	"designkits/shared/rig"
)

// Running is the environment variable that describes a case which runs already,
// as Case.String does. Package proof sets it, to grade many builds with one check.
const Running = "EXERCISE_CASE"

// A Case is a build that runs.
type Case struct {
	Addresses map[string]string // where each process listens: {"api-1": "127.0.0.1:4001"}
	// Lab is what case.yaml gives the case's own programs to know, such as the
	// secret that opens an organiser's session.
	Lab map[string]string
}

// Start builds and starts the processes that the exercise in the working
// directory names.
func Start(t testing.TB) Case {
	t.Helper()
	if text := os.Getenv(Running); text != "" {
		var c Case
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			t.Fatalf("%s is %q: %v", Running, text, err)
		}
		return c
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
	return Of(c)
}

// Of describes a case that runs.
func Of(c *rig.Case) Case {
	addresses := map[string]string{}
	for _, name := range c.Names() {
		addresses[name] = c.Addr(name)
	}
	return Case{Addresses: addresses, Lab: c.Lab}
}

// String is the value of Running.
func (c Case) String() string {
	text, _ := json.Marshal(c) // maps of strings always marshal
	return string(text)
}
