//go:build exercise

package split_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"

	"designkits/cases/shortener/exercises"
)

const (
	first    = "https://example.org/first"
	second   = "https://example.org/second"
	visitors = 300
)

// A visitor is a browser with its cookies. All have one address.
type visitor struct {
	jar  http.CookieJar
	seen string // where it was sent last
}

// visit follows the link as a browser does.
func (v *visitor) visit(t *testing.T, c *exercises.Case, replica int, code string) string {
	t.Helper()
	at := &url.URL{Scheme: "http", Host: "sho.rt", Path: "/" + code}
	header := http.Header{"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}}
	for _, cookie := range v.jar.Cookies(at) {
		header.Add("Cookie", cookie.Name+"="+cookie.Value)
	}
	a := c.Visit(replica, code, header)
	v.jar.SetCookies(at, (&http.Response{Header: a.Header}).Cookies())
	if a.Location() == "" {
		t.Fatalf("a visitor is not sent on: %s", a)
	}
	return a.Location()
}

type crowd []*visitor

// round lets everybody visit once and returns how many were sent to a target.
// moved is told of each who is sent elsewhere than before.
func (all crowd) round(t *testing.T, c *exercises.Case, shift int, code, to string, moved func(from, now string)) (there int) {
	t.Helper()
	for i, v := range all {
		now := v.visit(t, c, i+shift, code)
		if now == to {
			there++
		}
		if v.seen != "" && v.seen != now {
			moved(v.seen, now)
		}
		v.seen = now
	}
	return there
}

// share complains about a share that chance can't explain: five standard
// deviations are 13 of 100.
func share(t *testing.T, there, percent int, why string) {
	t.Helper()
	if got := float64(there) / visitors * 100; got < float64(percent)-13 || got > float64(percent)+13 {
		t.Errorf("%.0f%% of %d new browsers behind one address are sent to the split's target, want about %d%%: %s", got, visitors, percent, why)
	}
}

func TestSplit(t *testing.T) {
	c := exercises.Start(t)
	owner := c.Owner()
	code := owner.Make(fmt.Sprintf(`{"target":"%s","split":{"target":"%s","percent":30}}`, first, second))
	all := make(crowd, visitors)
	for i := range all {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = &visitor{jar: jar}
	}
	stays := func(what string) func(from, now string) {
		lost := false
		return func(from, now string) {
			if !lost {
				t.Errorf("%s: a visitor who was sent to %s is now sent to %s. Who remembers where they were, so that both replicas know?", what, from, now)
			}
			lost = true
		}
	}
	share(t, all.round(t, c, 0, code, second, stays("the first visit")), 30,
		"a visitor is a browser; a hash of address and User-Agent makes one visitor of a whole office")
	for again := range 3 {
		all.round(t, c, again+1, code, second, stays("on coming again"))
	}
	if t.Failed() {
		return
	}

	const fresh = "https://example.org/first-anew"
	owner.Change(code, fmt.Sprintf(`{"target":"%s","split":{"target":"%s","percent":60}}`, fresh, second))
	settle(t, c, code, fresh, second)
	share(t, all.round(t, c, 1, code, second, func(from, now string) {
		if from == second {
			t.Errorf("30%% became 60%%, and a visitor of the split's target is sent back to the first: remember a number that is compared with the percentage, not the outcome")
		}
	}), 60, "those who are there already stay, and some of the others come to them")

	const third = "https://example.org/third"
	owner.Change(code, fmt.Sprintf(`{"split":{"target":"%s","percent":60}}`, third))
	settle(t, c, code, fresh, third)
	all.round(t, c, 0, code, third, func(from, now string) {
		if from == second && now != third || from == fresh {
			t.Errorf("the split's target changed, and a visitor of %s is sent to %s: nobody may change sides, and nobody may keep the old target", from, now)
		}
	})

	owner.Change(code, `{"split":null}`)
	settle(t, c, code, fresh)
	if n := all.round(t, c, 0, code, fresh, func(string, string) {}); n != visitors {
		t.Errorf("the split was taken away, and only %d of %d visitors are sent to the target", n, visitors)
	}

	refused := owner.Ask(0, http.MethodPost, "/api/links", `{"target":"`+first+`","split":{"target":"http://127.0.0.1/admin","percent":1}}`)
	if refused.Status != http.StatusUnprocessableEntity {
		t.Errorf("a split to http://127.0.0.1 is answered %s, want 422: the second target must pass the same rules as the first", refused)
	}
	permanent := owner.Ask(0, http.MethodPost, "/api/links", fmt.Sprintf(`{"target":"%s","alias":"for-good","permanent":true,"split":{"target":"%s","percent":50}}`, first, second))
	if permanent.Status == http.StatusCreated {
		if a := c.Visit(0, "for-good", nil); a.Status == http.StatusMovedPermanently {
			t.Errorf("a split link is answered 301: browsers keep it, and changes pass them by")
		}
	}
}

// settle waits until both replicas send new visitors only to these targets.
func settle(t *testing.T, c *exercises.Case, code string, targets ...string) {
	t.Helper()
	for replica := range 2 {
		settled := exercises.Soon(t, func() bool {
			seen := map[string]bool{}
			for range 20 {
				seen[c.Visit(replica, code, nil).Location()] = true
			}
			for _, target := range targets {
				delete(seen, target)
			}
			return len(seen) == 0
		})
		if !settled {
			t.Errorf("replica %d doesn't follow the change of the split: does the link in the caches have all of it?", replica+1)
		}
	}
}
