package main

import (
	"strings"
	"testing"
)

// Nobody listens on port 1: the seed says so.
func TestAPageThatIsNotThereIsAnError(t *testing.T) {
	if _, err := seed(t.Context(), "http://127.0.0.1:1/"); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("%v, want that the connection was refused", err)
	}
}
