package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"designkits/cases/shortener/demo"
)

func TestWrongUseSaysHow(t *testing.T) {
	for _, args := range [][]string{nil, {"dance"}, {"demo", "fast"}} {
		var out, help bytes.Buffer
		if code := run(t.Context(), args, "http://127.0.0.1:1/", &out, &help); code != 2 || out.Len() > 0 {
			t.Errorf("lab %v: exit code %d, output %q; want 2 and none", args, code, &out)
		}
		if !strings.Contains(help.String(), "KIT_PAGE") {
			t.Errorf("lab %v says %q, and not how it is used", args, &help)
		}
	}
}

// Nobody listens on port 1: the step that fails says so and is the verdict.
func TestAPageThatIsNotThereIsAVerdict(t *testing.T) {
	var out, progress bytes.Buffer
	if code := run(t.Context(), []string{"seed"}, "http://127.0.0.1:1/", &out, &progress); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	var s demo.Step
	if err := json.Unmarshal(out.Bytes(), &s); err != nil || s.OK || !strings.Contains(s.Figure, "refused") {
		t.Errorf("%s: %+v, %v", out.String(), s, err)
	}
}
