package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// A clock that a test moves. It begins at the present.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Now()} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func TestRedirectsAndWhatMayBeKeptOfThem(t *testing.T) {
	r := newScene(t).replica(options{})
	key := r.newKey()
	for name, c := range map[string]struct {
		members string
		status  int
		cache   string
	}{
		"usual":                    {``, 302, "private, no-cache"},
		"permanent":                {`,"permanent":true`, 301, "private, max-age=86400"},
		"permanent, for an hour":   {`,"permanent":true,"ttl":3600`, 301, "private, max-age=3599"},
		"permanent, for two years": {`,"permanent":true,"ttl":63072000`, 301, "private, max-age=86400"},
	} {
		link := r.create(key, `{"target":"https://example.com/?q=a%20b&x=%E2%82%AC#frag"`+c.members+`}`)
		a := r.do(call{method: "GET", path: "/" + link.Code})
		cache := a.header.Get("Cache-Control")
		if a.status != c.status || a.header.Get("Location") != "https://example.com/?q=a%20b&x=%E2%82%AC#frag" {
			t.Errorf("%s: %d to %q", name, a.status, a.header.Get("Location"))
		}
		if cache != c.cache && !(strings.HasPrefix(c.cache, "private, max-age=359") && strings.HasPrefix(cache, "private, max-age=35")) {
			t.Errorf("%s: Cache-Control %q, want %q", name, cache, c.cache)
		}
	}
}

func TestEachRedirectIsRecordedOnceAndNothingElseIs(t *testing.T) {
	r := newScene(t).replica(options{trusted: localhost})
	link := r.create(r.newKey(), `{"target":"https://example.com/"}`)
	header := http.Header{
		"X-Forwarded-For": {"203.0.113.9"}, "X-Country": {"FI"}, "Referer": {"https://news.example/item"}, "User-Agent": {"a browser"},
	}
	before := time.Now()
	for _, c := range []call{
		{method: "GET", path: "/" + link.Code},
		{method: "HEAD", path: "/" + link.Code},
		{method: "GET", path: "/" + link.Code + "+"},
		{method: "GET", path: "/nobody-has-this"},
		{method: "GET", path: "/api/links/" + link.Code + "/qr"},
	} {
		c.header = header
		r.do(c)
	}
	if a := r.do(call{method: "HEAD", path: "/" + link.Code}); a.status != 302 || a.header.Get("Location") == "" {
		t.Errorf("HEAD: %d %v", a.status, a.header)
	}
	all := r.visits.taken()
	if len(all) != 1 {
		t.Fatalf("%d visits: %+v", len(all), all)
	}
	v := all[0]
	if string(v.Code) != link.Code || v.Referrer != "https://news.example/item" || v.Country != "FI" || v.Agent != "a browser" ||
		v.Address != "203.0.113.9" || v.Time.Before(before) || time.Since(v.Time) > time.Minute {
		t.Errorf("%+v", v)
	}
}

func TestAnUntrustedPeersCountryIsNotBelieved(t *testing.T) {
	r := newScene(t).replica(options{})
	link := r.create(r.newKey(), `{"target":"https://example.com/"}`)
	r.do(call{method: "GET", path: "/" + link.Code, header: http.Header{"X-Country": {"FI"}, "X-Forwarded-For": {"203.0.113.9"}}})
	if v := r.visits.taken()[0]; v.Country != "" || v.Address != "127.0.0.1" {
		t.Errorf("%+v", v)
	}
}

func TestLinksExpireToTheMoment(t *testing.T) {
	clock := newClock()
	r := newScene(t).replica(options{clock: clock.now})
	link := r.create(r.newKey(), `{"target":"https://example.com/","ttl":60}`)
	for _, step := range []struct {
		add  time.Duration
		want string
	}{
		{0, "https://example.com/"},
		{link.Expires.Sub(clock.now()) - time.Millisecond, "https://example.com/"},
		{time.Millisecond, "410"}, // it has been held in process all the time
		{29 * 24 * time.Hour, "410"},
		{24 * time.Hour, "404"},
	} {
		clock.add(step.add)
		if at := r.location(link.Code); at != step.want {
			t.Errorf("%s after the expiry: %s, want %s", clock.now().Sub(link.Expires), at, step.want)
		}
	}
}

func TestDeadEndsAreAPageForPeopleAndAProblemForPrograms(t *testing.T) {
	clock := newClock()
	r := newScene(t).replica(options{clock: clock.now, perSecond: 1, burst: 25})
	link := r.create(r.newKey(), `{"target":"https://example.com/","ttl":60}`)
	clock.add(time.Minute)
	ask := func(path, accept string) answer {
		header := http.Header{}
		if accept != "" {
			header.Set("Accept", accept)
		}
		return r.do(call{method: "GET", path: path, header: header})
	}
	check := func(path string, status int, slug, words string) {
		t.Helper()
		for _, accept := range []string{"text/html,application/xhtml+xml;q=0.9", ""} {
			a := ask(path, accept)
			if a.status != status || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || !strings.Contains(string(a.body), words) {
				t.Errorf("%s for a person: %d %s", path, a.status, a.body)
			}
			for header, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Vary": "Accept",
			} {
				if got := a.header.Get(header); got != want {
					t.Errorf("%s: %s is %q, want %q", path, header, got, want)
				}
			}
			if policy := a.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'self'") || !strings.Contains(policy, "frame-ancestors 'none'") {
				t.Errorf("%s: the page's policy is %q", path, policy)
			}
		}
		if a := ask(path, "application/json"); a.status != status || a.problem(t).Type != "/problems/"+slug {
			t.Errorf("%s for a program: %d %s", path, a.status, a.body)
		}
	}
	if policy := ask("/", "text/html").header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "frame-ancestors "+studyPage) {
		t.Errorf("the page's policy is %q: the study page alone may show it in a frame", policy)
	}
	check("/"+link.Code, 410, "expired", "expired")
	check("/"+link.Code+"+", 410, "expired", "expired")
	check("/not.a.code", 404, "no-such-link", "no such link")
	clock.add(time.Minute)
	if a := ask("/nobody-has-this", "text/html"); a.status != 404 {
		t.Errorf("%d", a.status)
	}
	for range 30 {
		ask("/"+link.Code, "text/html")
	}
	check("/"+link.Code, 429, "too-many", "Too many requests")
	if wait := ask("/"+link.Code, "text/html").header.Get("Retry-After"); wait != "1" {
		t.Errorf("Retry-After %q", wait)
	}
}

func TestThePreviewEscapesWhatItShows(t *testing.T) {
	r := newScene(t).replica(options{})
	link := r.create(r.newKey(), `{"target":"https://example.com/?q='><script>alert(1)</script>"}`)
	a := r.do(call{method: "GET", path: "/" + link.Code + "+"})
	if a.status != 200 || strings.Contains(string(a.body), "<script>alert") || !strings.Contains(string(a.body), "example.com") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestWhatNobodyAnswers(t *testing.T) {
	r := newScene(t).replica(options{})
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"PUT", "/api/links", 405, "GET, POST"},
		{"DELETE", "/api/keys", 405, "POST"},
		{"POST", "/some-alias", 405, "GET"},
		{"GET", "/api/nothing", 404, ""},
		{"GET", "/a/b/c", 404, ""},
	} {
		a := r.do(call{method: c.method, path: c.path, header: http.Header{"Accept": {"application/json"}}})
		if a.problem(t); a.status != c.status || a.header.Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, Allow %q", c.method, c.path, a.status, a.header.Get("Allow"))
		}
	}
}

func TestListingIsPagedNewestFirst(t *testing.T) {
	r := newScene(t).replica(options{})
	key := r.newKey()
	var want []string
	for i := range 7 {
		want = append([]string{r.create(key, fmt.Sprintf(`{"target":"https://example.com/%d"}`, i)).Code}, want...)
	}
	var got []string
	path := "/api/links?owner=me&limit=3"
	for pages := 1; ; pages++ {
		var page struct {
			Links []made
			Next  string
		}
		r.do(call{method: "GET", path: path, key: key}).into(t, &page)
		for _, l := range page.Links {
			got = append(got, l.Code)
		}
		if page.Next == "" || pages > 4 {
			break
		}
		path = "/api/links?owner=me&limit=3&cursor=" + page.Next
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}
