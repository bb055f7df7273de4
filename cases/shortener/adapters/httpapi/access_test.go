package httpapi_test

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/adapters/httpapi"
)

// Every route that shows or changes a link is tried with somebody else's key,
// without one, and with keys that are none.
func TestNobodyGetsAtSomebodyElsesLink(t *testing.T) {
	r := newScene(t).replica(options{})
	mine, theirs := r.newKey(), r.newKey()
	link := r.create(mine, `{"target":"https://example.com/mine"}`)
	path := "/api/links/" + link.Code
	secret, _ := shortener.NewSecret() // well formed, but nobody's
	for _, c := range []call{
		{method: "GET", path: path},
		{method: "PATCH", path: path, body: `{"target":"https://example.com/theirs"}`},
		{method: "DELETE", path: path},
		{method: "GET", path: path + "/stats"},
		{method: "GET", path: path + "/live"},
	} {
		c.key = theirs
		if a := r.do(c); a.status != http.StatusForbidden || a.problem(t).Type != "/problems/not-owner" {
			t.Errorf("%s %s with another's key: %d %s", c.method, c.path, a.status, a.body)
		}
		for _, key := range []string{"", "nonsense", secret, mine + "x", strings.ToUpper(mine)} {
			c.key = key
			a := r.do(c)
			if a.status != http.StatusUnauthorized || a.problem(t).Type != "/problems/no-key" || a.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s with the key %q: %d %s", c.method, c.path, key, a.status, a.body)
			}
		}
		c.key, c.header = "", http.Header{"Authorization": {"Basic " + mine}}
		if a := r.do(c); a.status != http.StatusUnauthorized {
			t.Errorf("%s %s by another scheme: %d", c.method, c.path, a.status)
		}
	}
	for _, c := range []call{
		{method: "GET", path: "/api/links"},
		{method: "POST", path: "/api/links", body: `{"target":"https://example.com/"}`},
		{method: "POST", path: "/api/links/bulk", kind: "text/csv", body: "https://example.com/\n"},
	} {
		if a := r.do(c); a.status != http.StatusUnauthorized {
			t.Errorf("%s %s without a key: %d", c.method, c.path, a.status)
		}
	}
	var page struct{ Links []made }
	r.do(call{method: "GET", path: "/api/links?owner=me", key: theirs}).into(t, &page)
	if len(page.Links) != 0 {
		t.Errorf("another's listing shows %+v", page.Links)
	}
	if at := r.location(link.Code); at != "https://example.com/mine" {
		t.Errorf("it leads to %s", at)
	}
}

func TestOtherSitesPagesAreRefused(t *testing.T) {
	r := newScene(t).replica(options{})
	for name, header := range map[string]http.Header{
		"as browsers say now":   {"Sec-Fetch-Site": {"cross-site"}},
		"as browsers said":      {"Origin": {"https://evil.example"}},
		"a page without a home": {"Origin": {"null"}},
	} {
		a := r.do(call{method: "POST", path: "/api/keys", header: header})
		if a.status != http.StatusForbidden || a.problem(t).Type != "/problems/cross-origin" || a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := r.do(call{method: "POST", path: "/api/keys", header: http.Header{"Sec-Fetch-Site": {"same-origin"}}}); a.status != http.StatusCreated {
		t.Errorf("our own page: %d %s", a.status, a.body)
	}
}

func TestKeysAreLimited(t *testing.T) {
	r := newScene(t).replica(options{keys: shortener.Key{Rate: 0.01, Burst: 5, LinksPerDay: 2}})
	key := r.newKey()
	for left := 4; left >= 3; left-- {
		a := r.do(call{method: "GET", path: "/api/links", key: key})
		if a.status != 200 || a.header.Get("X-RateLimit-Limit") != "5" || a.header.Get("X-RateLimit-Remaining") != strconv.Itoa(left) {
			t.Fatalf("%d %v, want %d left", a.status, a.header, left)
		}
	}
	link := `{"target":"https://example.com/"}`
	for range 2 {
		r.create(key, link)
	}
	a := r.do(call{method: "POST", path: "/api/links", key: key, body: link})
	if p := a.problem(t); a.status != http.StatusTooManyRequests || p.Type != "/problems/too-many" || !strings.Contains(p.Detail, "2 new links of a key a day") || a.header.Get("X-RateLimit-Limit") != "2" {
		t.Errorf("a third link on a day with two: %d %s", a.status, a.body)
	}
	a = r.do(call{method: "GET", path: "/api/links", key: key})
	wait, err := strconv.Atoi(a.header.Get("Retry-After"))
	if a.status != http.StatusTooManyRequests || a.header.Get("X-RateLimit-Remaining") != "0" || err != nil || wait < 1 || wait > 100 {
		t.Errorf("a sixth request: %d %v", a.status, a.header)
	}
	if reset, err := strconv.Atoi(a.header.Get("X-RateLimit-Reset")); err != nil || reset < 400 || reset > 500 {
		t.Errorf("five tokens at 0.01 a second take 500 s, but it says %q", a.header.Get("X-RateLimit-Reset"))
	}
	if other := r.newKey(); r.do(call{method: "GET", path: "/api/links", key: other}).status != 200 {
		t.Error("another key is limited too")
	}
}

var localhost = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func from(address string) http.Header { return http.Header{"X-Forwarded-For": {address}} }

func TestAddressesAreLimitedBehindATrustedProxyOnly(t *testing.T) {
	s := newScene(t)
	r := s.replica(options{trusted: localhost, keysPerDay: 2})
	get := func(address string) int {
		return r.do(call{method: "POST", path: "/api/keys", header: from(address)}).status
	}
	for _, want := range []int{201, 201, 429} {
		if got := get("203.0.113.7"); got != want {
			t.Fatalf("%d, want %d", got, want)
		}
	}
	// What a client puts in front of itself is not believed.
	if got := get("198.51.100.1, 203.0.113.7"); got != 429 {
		t.Errorf("a claimed address got around the limit: %d", got)
	}
	// Neighbours in one /64 are one customer; another network is another.
	for address, want := range map[string]int{"2001:db8:1:1::1": 201, "203.0.113.8": 201} {
		if got := get(address); got != want {
			t.Errorf("%s: %d, want %d", address, got, want)
		}
	}
	if got := get("2001:db8:1:1::2"); got != 201 {
		t.Errorf("second of its network: %d", got)
	}
	if got := get("2001:db8:1:1:ffff::3"); got != 429 {
		t.Errorf("third of its network: %d", got)
	}

	direct := s.replica(options{keysPerDay: 1}) // trusts nobody
	if got := direct.do(call{method: "POST", path: "/api/keys", header: from("203.0.113.20")}).status; got != 201 {
		t.Fatalf("%d", got)
	}
	if got := direct.do(call{method: "POST", path: "/api/keys", header: from("203.0.113.21")}).status; got != 429 {
		t.Errorf("an untrusted peer's X-Forwarded-For was believed: %d", got)
	}
}

func TestGuessingKeysIsLimited(t *testing.T) {
	r := newScene(t).replica(options{})
	began := time.Now()
	var guesses, limited atomic.Int64
	var guessers sync.WaitGroup
	for range 8 { // together faster than what is refilled
		guessers.Go(func() {
			for limited.Load() < 20 && guesses.Add(1) <= 1000 {
				secret, _ := shortener.NewSecret()
				a, err := r.try(call{method: "GET", path: "/api/links", key: secret})
				if err != nil {
					t.Error(err)
					return
				}
				if a.status == http.StatusTooManyRequests {
					limited.Add(1)
				}
			}
		})
	}
	guessers.Wait()
	most := httpapi.AnonymousBurst + int64(httpapi.AnonymousRefill*time.Since(began).Seconds()) + 1
	if answered := guesses.Load() - limited.Load(); limited.Load() < 20 || answered > most {
		t.Errorf("of %d guesses %d were refused; at most %d may be answered", guesses.Load(), limited.Load(), most)
	}
	if a := r.do(call{method: "POST", path: "/api/keys"}); a.status != http.StatusCreated {
		t.Errorf("who guesses can't even have a key: %d", a.status)
	}
}

func TestGuessingCodesIsLimited(t *testing.T) {
	clock := newClock()
	r := newScene(t).replica(options{perSecond: 10, burst: 100, trusted: localhost, clock: clock.now})
	link := r.create(r.newKey(), `{"target":"https://example.com/"}`)
	follow := func(code, address string) int {
		return r.do(call{method: "GET", path: "/" + code, header: from(address)}).status
	}
	// Who follows links is not stopped within the burst …
	for i := range 100 {
		if got := follow(link.Code, "203.0.113.1"); got != 302 {
			t.Fatalf("redirect %d: %d", i+1, got)
		}
	}
	if got := follow(link.Code, "203.0.113.1"); got != 429 {
		t.Errorf("redirect 101: %d", got)
	}
	// … but who guesses is stopped after a tenth of it, also at links that exist.
	guesses := 0
	for follow("guess-"+strconv.Itoa(guesses), "203.0.113.2") == 404 {
		guesses++
	}
	if guesses != 10 {
		t.Errorf("%d guesses were answered, not 10", guesses)
	}
	if got := follow(link.Code, "203.0.113.2"); got != 429 {
		t.Errorf("after guessing: %d", got)
	}
	clock.add(time.Second)
	if got := follow(link.Code, "203.0.113.2"); got != 302 {
		t.Errorf("a second later: %d", got)
	}
	if got := follow(link.Code, "203.0.113.3"); got != 302 {
		t.Errorf("somebody else: %d", got)
	}
}
