//go:build exercise

package clicklimit_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"designkits/cases/shortener/exercises"
)

const target = "https://example.org/voucher"

func TestClickLimit(t *testing.T) {
	c := exercises.Start(t)
	owner := c.Owner()

	few := owner.Make(`{"target":"` + target + `","maxClicks":3}`)
	if a := owner.Ask(1, http.MethodGet, "/api/links/"+few, ""); !strings.Contains(a.Body, `"maxClicks":3`) {
		t.Errorf("GET /api/links/CODE doesn't show the limit: %s", a)
	}
	for replica := range 2 {
		c.Visit(replica, few+"+", nil)
		c.Ask(replica, http.MethodHead, "/"+few, "", nil)
	}
	for i := range 3 {
		if a := c.Visit(i, few, nil); a.Location() != target {
			t.Fatalf("visitor %d of 3 is not sent on, but gets %s: do a HEAD or the preview take a click?", i+1, a)
		}
	}
	for replica := range 2 {
		if a := c.Visit(replica, few, nil); a.Status != http.StatusGone {
			t.Errorf("replica %d sends a 4th visitor of 3 on, or says so with the wrong status: %d, want 410. "+
				"When each replica counts for itself, each of them gives out the whole limit", replica+1, a.Status)
		}
	}

	many(t, c, owner, 15, 60)

	unlimited := owner.Make(`{"target":"` + target + `"}`)
	for i := range 10 {
		if a := c.Visit(i, unlimited, nil); a.Location() != target {
			t.Fatalf("a link without a limit answers %s at visit %d", a, i+1)
		}
	}

	const alias = "the-voucher"
	draft := `{"target":"` + target + `","alias":"` + alias + `","maxClicks":1}`
	for life := range 2 {
		owner.Make(draft)
		if !exercises.Soon(t, func() bool { return c.Visit(life, alias, nil).Location() == target }) {
			t.Errorf("alias made for the %d. time, and its one visitor is not sent on: what belongs to a link that was deleted must not count for the next", life+1)
		}
		if a := owner.Ask(0, http.MethodDelete, "/api/links/"+alias, ""); a.Status != http.StatusNoContent {
			t.Fatalf("DELETE of the alias: %s", a)
		}
	}

	permanent := owner.Ask(0, http.MethodPost, "/api/links", `{"target":"`+target+`","alias":"for-good","permanent":true,"maxClicks":2}`)
	if permanent.Status == http.StatusCreated {
		if a := c.Visit(0, "for-good", nil); a.Status == http.StatusMovedPermanently && !strings.Contains(a.Header.Get("Cache-Control"), "no-") {
			t.Errorf("a permanent link with a limit is answered 301, %q: browsers keep it and follow it without being counted", a.Header.Get("Cache-Control"))
		}
	}
}

// many sends all visitors at the same moment and counts those who are sent on.
func many(t *testing.T, c *exercises.Case, owner *exercises.Owner, limit, visitors int) {
	t.Helper()
	code := owner.Make(fmt.Sprintf(`{"target":"%s","maxClicks":%d}`, target, limit))
	var through, doubtful atomic.Int64
	var all sync.WaitGroup
	for i := range visitors {
		all.Go(func() {
			switch a := c.Visit(i, code, nil); {
			case a.Location() == target:
				through.Add(1)
			case a.Status == http.StatusServiceUnavailable:
				doubtful.Add(1)
			case a.Status != http.StatusGone:
				t.Errorf("a visitor of a link with a limit gets %s, want the redirect or 410", a)
			}
		})
	}
	all.Wait()
	switch n, lost := int(through.Load()), int(doubtful.Load()); {
	case n > limit:
		t.Errorf("%d of %d visitors at once were sent on by a link for %d: "+
			"reading the number and writing it back are two steps, and another visitor, or another replica, comes in between", n, visitors, limit)
	case n+lost < limit:
		t.Errorf("%d of %d visitors at once were sent on by a link for %d, and %d got a 503: clicks were used up by nobody", n, visitors, limit, lost)
	}
}
