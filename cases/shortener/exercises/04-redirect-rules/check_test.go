//go:build exercise

package rules_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"designkits/cases/shortener/exercises"
)

const (
	desktop = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	mobile  = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36"
	tablet  = "Mozilla/5.0 (Linux; Android 15; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"

	site = "https://example.org/"
)

func from(country, agent string) http.Header {
	h := http.Header{"User-Agent": {agent}}
	if country != "" {
		h.Set("X-Country", country)
	}
	return h
}

func rule(country, device, target string) string {
	return fmt.Sprintf(`{"country":"%s","device":"%s","target":"%s"}`, country, device, target)
}

func TestRedirectRules(t *testing.T) {
	c := exercises.Start(t)
	owner := c.Owner()
	rules := strings.Join([]string{
		`{"country":"DE","device":"mobile","target":"` + site + `de-app"}`,
		`{"device":"mobile","target":"` + site + `app"}`,
		`{"country":"DE","target":"` + site + `de"}`,
		`{"country":"AT","target":"` + site + `at"}`,
		`{"country":"AT","device":"mobile","target":"` + site + `never"}`,
	}, ",")
	code := owner.Make(`{"target":"` + site + `all","rules":[` + rules + `]}`)
	for _, v := range []struct{ country, agent, want, why string }{
		{"DE", mobile, "de-app", "the first rule fits both"},
		{"FR", mobile, "app", "a rule without a country fits all countries"},
		{"", mobile, "app", "also where the country isn't known"},
		{"DE", desktop, "de", "a rule without a device fits all devices"},
		{"DE", tablet, "de", "a tablet is not mobile"},
		{"AT", mobile, "app", "the second rule stands before that of Austria: order decides, not which rule says more"},
		{"AT", desktop, "at", "by its country"},
		{"FR", desktop, "all", "no rule fits, so it is the link's own target"},
		{"", desktop, "all", "no rule fits a visitor of no country"},
	} {
		for replica := range 2 {
			if a := c.Visit(replica, code, from(v.country, v.agent)); a.Location() != site+v.want {
				t.Errorf("from %q with %.40s… it leads to %q, want %s: %s", v.country, v.agent, a.Location(), v.want, v.why)
			}
		}
	}
	if a := owner.Ask(1, http.MethodGet, "/api/links/"+code, ""); !strings.Contains(a.Body, "de-app") {
		t.Errorf("GET /api/links/CODE doesn't show the rules: %s", a)
	}

	const mine = "for-all-countries"
	if a := owner.Ask(0, http.MethodPost, "/api/links", `{"target":"`+site+`all","alias":"`+mine+`","permanent":true,"rules":[`+rules+`]}`); a.Status == http.StatusCreated {
		a := c.Visit(0, mine, from("DE", desktop))
		if keeps := a.Header.Get("Cache-Control"); a.Status == http.StatusMovedPermanently || a.Status == http.StatusPermanentRedirect || strings.Contains(keeps, "max-age") && !strings.Contains(keeps, "max-age=0") {
			t.Errorf("a permanent link with rules is answered %d with Cache-Control %q: a browser that travels would be sent to the country where it first asked", a.Status, keeps)
		}
	}

	for _, bad := range []string{
		rule("DE", "", "http://127.0.0.1/admin"), rule("DE", "", "javascript:alert(1)"), rule("DE", "", ""),
	} {
		if a := owner.Ask(0, http.MethodPost, "/api/links", `{"target":"`+site+`","rules":[`+bad+`]}`); a.Status != http.StatusUnprocessableEntity {
			t.Errorf("the rule %s is answered %s, want 422: every rule's target has to pass what a link's target has to", bad, a)
		}
	}

	plain := owner.Make(`{"target":"` + site + `plain"}`)
	if a := c.Visit(0, plain, from("DE", mobile)); a.Location() != site+"plain" {
		t.Errorf("a link without rules leads to %q", a.Location())
	}
	owner.Change(plain, `{"rules":[`+rule("DE", "", site+"later")+`]}`)
	owner.Change(code, `{"rules":[]}`)
	for replica := range 2 {
		if !exercises.Soon(t, func() bool { return c.Visit(replica, plain, from("DE", mobile)).Location() == site+"later" }) {
			t.Errorf("rules that were added later don't hold on replica %d: is the whole link in the change that replicas hear of?", replica+1)
		}
		if !exercises.Soon(t, func() bool { return c.Visit(replica, code, from("DE", mobile)).Location() == site+"all" }) {
			t.Errorf("rules that were taken away still hold on replica %d", replica+1)
		}
	}
	owner.Change(plain, `{"target":"`+site+`other"}`)
	if !exercises.Soon(t, func() bool { return c.Visit(1, plain, from("FR", mobile)).Location() == site+"other" }) ||
		c.Visit(1, plain, from("DE", mobile)).Location() != site+"later" {
		t.Errorf("a change of the target alone took the rules away")
	}
}
