//go:build exercise

package preview_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"designkits/cases/shortener/exercises"
)

const target = "https://example.org/where-it-leads"

// from is a program or a browser with an address of its own, so that nobody is slowed
// down for another's guesses.
func from(address, accept string) http.Header {
	return http.Header{"X-Forwarded-For": {address}, "Accept": {accept}}
}

var (
	program = from("192.0.2.1", "application/json")
	browser = from("192.0.2.2", "text/html,application/xhtml+xml,*/*;q=0.8")
)

// A preview is what a program is told.
type preview struct {
	Code, Short, Target string
	Created             time.Time
	Expires             *time.Time
	Permanent           bool
}

func look(c *exercises.Case, replica int, code string, as http.Header) exercises.Answer {
	return c.Ask(replica, http.MethodGet, "/"+code+"+", "", as)
}

// recorded is how many clicks the replicas have recorded.
func recorded(t *testing.T, c *exercises.Case) (sum float64) {
	t.Helper()
	for replica := range 2 {
		_, after, found := strings.Cut(c.Ask(replica, http.MethodGet, "/metrics", "", nil).Body, "\nshortener_clicks_recorded_total ")
		var n float64
		if _, err := fmt.Sscan(after, &n); !found || err != nil {
			t.Fatalf("/metrics of replica %d has no shortener_clicks_recorded_total any more", replica+1)
		}
		sum += n
	}
	return sum
}

func TestPreviewForPrograms(t *testing.T) {
	c := exercises.Start(t)
	owner := c.Owner()
	code := owner.Make(`{"target":"` + target + `"}`)
	permanent := owner.Make(`{"target":"` + target + `","permanent":true,"ttl":3600}`)
	brief := owner.Make(`{"target":"` + target + `","ttl":2}`)

	before := recorded(t, c)
	for replica := range 2 {
		a := look(c, replica, code, program)
		var p preview
		if !a.Into(http.StatusOK, &p) {
			t.Errorf("GET /CODE+ with Accept: application/json is answered %s on replica %d, want 200 and JSON", a, replica+1)
			continue
		}
		if p.Target != target || p.Code != code || !strings.HasSuffix(p.Short, "/"+code) || p.Created.IsZero() || p.Expires != nil || p.Permanent {
			t.Errorf("the preview says %s, want code, short, target and created of a link that doesn't end", a)
		}
		if kind := a.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
			t.Errorf("the preview is %q, want application/json", kind)
		}
		page := look(c, replica, code, browser)
		if page.Status != http.StatusOK || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") || !strings.Contains(page.Body, target) {
			t.Errorf("a browser gets %s, want the page as before", page)
		}
		for _, answer := range []exercises.Answer{a, page} {
			if vary := strings.Join(answer.Header.Values("Vary"), ","); !strings.Contains(vary, "Accept") {
				t.Errorf("an answer with Content-Type %q doesn't say Vary: Accept: a cache on the way gives one's answer to the other", answer.Header.Get("Content-Type"))
			}
			if keeps := answer.Header.Get("Cache-Control"); !strings.Contains(keeps, "no-cache") && !strings.Contains(keeps, "no-store") {
				t.Errorf("an answer may be kept (Cache-Control %q), and shows the old target after a change", keeps)
			}
		}
		a = look(c, replica, permanent, program)
		if p = (preview{}); !a.Into(http.StatusOK, &p) || !p.Permanent || p.Expires == nil {
			t.Errorf("the preview of a permanent link that ends is %s, want 200 with permanent and expires", a)
		}
	}
	if after := recorded(t, c); after != before {
		t.Errorf("%v clicks were recorded of previews alone: looking is no click", after-before)
	}

	for replica := range 2 {
		for name, as := range map[string]http.Header{"a program": program, "a browser": browser} {
			if a := c.Visit(replica, code, as); a.Status != http.StatusFound || a.Location() != target {
				t.Errorf("GET /CODE of %s is answered %s, want the redirect as before", name, a)
			}
			if a := look(c, replica, "nobody-has-this", as); a.Status != http.StatusNotFound {
				t.Errorf("the preview of a link that there isn't is answered to %s %s, want 404", name, a)
			}
		}
	}

	// Held in process until now: expiry is judged at each request.
	if !exercises.Soon(t, func() bool { return c.Visit(0, brief, browser).Status == http.StatusGone }) {
		t.Fatalf("a link of two seconds doesn't end: %s", c.Visit(0, brief, browser))
	}
	for replica := range 2 {
		a := look(c, replica, brief, program)
		if a.Status != http.StatusGone || strings.Contains(a.Body, target) {
			t.Errorf("a link that has expired is shown to a program: %s, want 410 without the target; the page of a browser says %d", a, look(c, replica, brief, browser).Status)
		}
	}

	const later = target + "-by-now"
	owner.Change(code, `{"target":"`+later+`"}`)
	for replica := range 2 {
		shows := func() bool { return strings.Contains(look(c, replica, code, program).Body, later) }
		if !exercises.Soon(t, shows) {
			t.Errorf("replica %d shows the old target after a change: %s", replica+1, look(c, replica, code, program))
		}
	}

	const most = 3000
	guesser := from("198.51.100.7", "application/json")
	var guesses, limited atomic.Int64
	var guessers sync.WaitGroup
	for range 16 { // together faster than what an address is given back
		guessers.Go(func() {
			for limited.Load() == 0 && guesses.Add(1) <= most {
				if look(c, 0, "nobody-has-this-either", guesser).Status == http.StatusTooManyRequests {
					limited.Add(1)
				}
			}
		})
	}
	guessers.Wait()
	if limited.Load() == 0 {
		t.Errorf("one address has looked at codes that nobody has %d times in a row, and nobody said 429: a preview is a way to find links, so it must cost what a redirect costs", most)
	}
}
