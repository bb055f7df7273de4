package httpapi_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"designkits/shared/testenv"
)

// Writers go away in the middle of a change. Whether it was made or not, what the
// owner is shown is where the other replica leads, and counts don't outlive their link.
func TestWhoIsCutOffLeavesNoReplicaBehind(t *testing.T) {
	s := newScene(t)
	one, two := s.replica(options{}), s.replica(options{})
	key := one.newKey()
	took := time.Second // the shortest that one took that was answered
	// cutOff sends a request, leaves before long, and reports whether it was answered.
	cutOff := func(method, path, body string) bool {
		ctx, cancel := context.WithTimeout(t.Context(), rand.N(2*took))
		defer cancel()
		began := time.Now()
		req, err := http.NewRequestWithContext(ctx, method, one.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Content-Type", "application/json")
		resp, err := noRedirects.Do(req)
		if err == nil {
			resp.Body.Close()
			took = min(took, time.Since(began))
		}
		return err == nil
	}
	cut, changed, deleted := 0, 0, 0
	for i := range 60 {
		target := fmt.Sprintf("https://example.com/after/%d", i)
		link := one.create(key, `{"target":"https://example.com/before"}`)
		if at := two.location(link.Code); at != "https://example.com/before" { // held there from now on
			t.Fatal(at)
		}
		path := "/api/links/" + link.Code
		if !cutOff("PATCH", path, fmt.Sprintf(`{"target":%q}`, target)) {
			cut++
		}
		testenv.Eventually(t, 20*time.Second, "the other replica leads where the owner is shown", func() bool {
			var shown struct{ Target string }
			one.do(call{method: "GET", path: path, key: key}).into(t, &shown)
			if shown.Target == target {
				changed++
			}
			return two.location(link.Code) == shown.Target
		})
		if !cutOff("DELETE", path, "") {
			cut++
		}
		testenv.Eventually(t, 20*time.Second, "the other replica knows whether it is deleted", func() bool {
			gone := one.do(call{method: "GET", path: path, key: key}).status == http.StatusNotFound
			if gone {
				deleted++
			}
			return gone == (two.location(link.Code) == "404")
		})
	}
	t.Logf("of 120 writers %d were cut off; %d changes and %d deletions were seen", cut, changed, deleted)
	if cut == 0 || changed == 0 || deleted == 0 {
		t.Error("nobody was cut off, or nothing was done: the test shows nothing")
	}
}
