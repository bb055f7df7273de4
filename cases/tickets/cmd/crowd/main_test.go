package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestWhatCantBeIsSaid(t *testing.T) {
	for args, want := range map[string]string{
		"-fans 0 -bots 0": "somebody must come",
		"-fans -1":        "somebody must come",
		"-page nowhere":   "is no address",
		"-spike soon":     "spike",
	} {
		var out bytes.Buffer
		if err := run(t.Context(), strings.Fields(args), &out); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}
