// Package casetest runs a whole case for a test, by package rig. Nothing of it
// outlives the test; of a Shared one nothing outlives the package's tests.
package casetest

import (
	"context"
	"testing"
	"time"

	"designkits/shared/rig"
)

// Start starts the case above the test's package and stops it when the test
// ends. What doesn't start, or doesn't stop, fails the test; the ends of the
// logs are shown when it failed.
func Start(t testing.TB, options ...rig.Options) *rig.Case {
	t.Helper()
	var o rig.Options
	if len(options) > 0 {
		o = options[0]
	}
	c, err := rig.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		logs := logsOf(c) // which go with it
		began := time.Now()
		if err := c.Stop(context.Background()); err != nil {
			t.Errorf("stop the case: %v", err)
		}
		t.Logf("the case stopped within %d ms", time.Since(began).Milliseconds())
		show(t, logs)
	})
	return c
}

func logsOf(c *rig.Case) map[string]string {
	logs := map[string]string{}
	for _, name := range c.Names() {
		logs[name] = c.Log(name)
	}
	return logs
}

// show shows the ends of the logs if the test has failed.
func show(t testing.TB, logs map[string]string) {
	if t.Failed() {
		for name, log := range logs {
			t.Logf("the log of %s ends:\n%s", name, log)
		}
	}
}
