//go:build exercise

package domains_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"designkits/cases/shortener/exercises"
)

func at(host string) http.Header { return http.Header{"Host": {host}} }

func claim(o *exercises.Owner, replica int, domain string) exercises.Answer {
	return o.Ask(replica, http.MethodPost, "/api/domains", `{"domain":"`+domain+`"}`)
}

// on makes a link on a domain and returns its code for the API.
func on(t *testing.T, o *exercises.Owner, domain, alias, target string) string {
	t.Helper()
	a := o.Ask(0, http.MethodPost, "/api/links", fmt.Sprintf(`{"target":"%s","alias":"%s","domain":"%s"}`, target, alias, domain))
	var link struct{ Code, Short string }
	if a.Status != http.StatusCreated || json.Unmarshal([]byte(a.Body), &link) != nil {
		t.Fatalf("a link on one's own domain is answered %s, want 201", a)
	}
	if short, err := url.Parse(link.Short); err != nil || short.Host != domain || short.Path != "/"+alias {
		t.Errorf("the link's short is %q, want https://%s/%s or with http", link.Short, domain, alias)
	}
	return link.Code
}

func TestCustomDomains(t *testing.T) {
	c := exercises.Start(t)
	anna, ben := c.Owner(), c.Owner()
	for domain, owner := range map[string]*exercises.Owner{"go.anna.example.com": anna, "to.ben.example.org": ben} {
		if a := claim(owner, 0, domain); a.Status != http.StatusCreated {
			t.Fatalf("POST /api/domains: %s, want 201", a)
		}
	}
	if a := claim(ben, 1, "go.anna.example.com"); a.Status != http.StatusConflict {
		t.Errorf("a domain that somebody else has is answered %d, want 409", a.Status)
	}
	race(t, c)

	annas := on(t, anna, "go.anna.example.com", "spring-sale", "https://example.com/anna")
	on(t, ben, "to.ben.example.org", "spring-sale", "https://example.com/ben")
	ben.Make(`{"target":"https://example.com/main","alias":"spring-sale"}`)
	ben.Make(`{"target":"https://example.com/only-main","alias":"only-main"}`)
	for replica := range 2 {
		for host, want := range map[string]string{"go.anna.example.com": "anna", "to.ben.example.org": "ben", "": "main", "GO.anna.example.com:8443": "anna"} {
			var got exercises.Answer
			leads := func() bool {
				got = c.Visit(replica, "spring-sale", at(host))
				return got.Location() == "https://example.com/"+want
			}
			if !exercises.Soon(t, leads) {
				t.Errorf("http://%s/spring-sale on replica %d: %s, want the target of that address, /%s", host, replica+1, got, want)
			}
		}
		if a := c.Visit(replica, "only-main", at("go.anna.example.com")); a.Status != http.StatusNotFound {
			t.Errorf("a link of the main address is found at a custom domain as well (%d, want 404): a stranger's target under Anna's name", a.Status)
		}
		if a := c.Visit(replica, "only-main", nil); a.Location() != "https://example.com/only-main" {
			t.Errorf("a link without a domain doesn't redirect any more: %s", a)
		}
		if a := c.Visit(replica, url.PathEscape(annas), nil); a.Location() == "https://example.com/anna" {
			t.Errorf("the domain's link is found at the main address too, as /%s", annas)
		}
	}

	for what, draft := range map[string]string{
		"a domain of somebody else": `{"target":"https://example.com/","alias":"bens-try","domain":"go.anna.example.com"}`,
		"a domain of nobody":        `{"target":"https://example.com/","alias":"bens-try","domain":"nobody.example.net"}`,
	} {
		if a := ben.Ask(1, http.MethodPost, "/api/links", draft); a.Status != http.StatusForbidden {
			t.Errorf("a link on %s is answered %s, want 403", what, a)
		}
	}
	if a := anna.Ask(1, http.MethodPost, "/api/links", `{"target":"https://go.anna.example.com/again","alias":"loop-here","domain":"go.anna.example.com"}`); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("a link that leads back to its own domain is answered %s, want 422: it is a loop", a)
	}
	if a := anna.Ask(0, http.MethodPost, "/api/links", `{"target":"https://example.com/","alias":"spring_sa1e","domain":"go.anna.example.com"}`); a.Status != http.StatusConflict {
		t.Errorf("an alias that looks like one on the same domain is answered %s, want 409", a)
	}

	path := "/api/links/" + url.PathEscape(annas)
	if a := ben.Ask(0, http.MethodPatch, path, `{"target":"https://example.com/mine"}`); a.Status != http.StatusForbidden && a.Status != http.StatusNotFound {
		t.Errorf("somebody else changes the link of a domain: %s", a)
	}
	if a := anna.Ask(0, http.MethodPatch, path, `{"target":"https://example.com/changed"}`); a.Status != http.StatusOK {
		t.Fatalf("PATCH of a link on a domain by its code %q: %s", annas, a)
	}
	for replica := range 2 {
		if !exercises.Soon(t, func() bool {
			return c.Visit(replica, "spring-sale", at("go.anna.example.com")).Location() == "https://example.com/changed"
		}) {
			t.Errorf("replica %d doesn't follow the change of a link on a domain", replica+1)
		}
		if a := c.Visit(replica, "spring-sale", at("to.ben.example.org")); a.Location() != "https://example.com/ben" {
			t.Errorf("a change at one domain has changed another's link: %s", a)
		}
	}
	if a := anna.Ask(1, http.MethodDelete, path, ""); a.Status != http.StatusNoContent {
		t.Fatalf("DELETE of a link on a domain: %s", a)
	}
	if !exercises.Soon(t, func() bool { return c.Visit(0, "spring-sale", at("go.anna.example.com")).Status == http.StatusNotFound }) {
		t.Errorf("a link on a domain is found after it was deleted")
	}
	if a := c.Visit(0, "spring-sale", nil); a.Location() != "https://example.com/main" {
		t.Errorf("with the domain's link that of the main address has gone: %s", a)
	}
}

// race lets many owners claim one domain at the same moment.
func race(t *testing.T, c *exercises.Case) {
	t.Helper()
	owners := make([]*exercises.Owner, 16)
	for i := range owners {
		owners[i] = c.Owner()
	}
	var won atomic.Int64
	var others sync.Map
	var all sync.WaitGroup
	for i, o := range owners {
		all.Go(func() {
			switch a := claim(o, i, "wanted.example.com"); a.Status {
			case http.StatusCreated:
				won.Add(1)
			case http.StatusConflict, http.StatusServiceUnavailable:
			default:
				others.Store(a.String(), true)
			}
		})
	}
	all.Wait()
	if n := won.Load(); n > 1 {
		t.Errorf("%d owners have claimed one domain at once, and each was told that it is theirs: reading first and writing then are two steps", n)
	}
	var odd []string
	others.Range(func(answer, _ any) bool { odd = append(odd, answer.(string)); return true })
	if len(odd) > 0 {
		t.Errorf("claims at the same moment are answered %s, want 201 or 409", strings.Join(odd, " and "))
	}
}
