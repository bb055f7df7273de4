//go:build exercise

package passwords_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"designkits/cases/shortener/exercises"
)

const (
	target = "https://example.org/behind-the-password"
	secret = "open sesame 7"
)

// from makes a visitor's address, so that nobody is slowed down for another's
// guesses.
func from(address string) http.Header {
	return http.Header{"X-Forwarded-For": {address}, "Content-Type": {"application/x-www-form-urlencoded"}}
}

func unlock(c *exercises.Case, replica int, code, password, address string) exercises.Answer {
	return c.Ask(replica, http.MethodPost, "/"+code, url.Values{"password": {password}}.Encode(), from(address))
}

// tells reports whether the answer gives the target away.
func tells(a exercises.Answer) bool {
	return strings.Contains(a.Body, "behind-the-password") || strings.Contains(a.Header.Get("Location"), "behind-the-password")
}

func TestLinkPasswords(t *testing.T) {
	c := exercises.Start(t)
	owner := c.Owner()
	locked := owner.Make(`{"target":"` + target + `","password":"` + secret + `"}`)
	permanent := owner.Make(`{"target":"` + target + `","permanent":true,"password":"` + secret + `"}`)
	open := owner.Make(`{"target":"` + target + `"}`)

	for replica := range 2 {
		for _, code := range []string{locked, permanent} {
			for name, header := range map[string]http.Header{"a browser": {"Accept": {"text/html"}}, "a program": {"Accept": {"application/json"}}} {
				a := c.Visit(replica, code, header)
				if tells(a) {
					t.Errorf("%s that gives no password learns the target from GET /CODE: %s", name, a)
				}
				if a.Status != http.StatusUnauthorized && a.Status != http.StatusForbidden {
					t.Errorf("%s that gives no password gets %d of GET /CODE, want 401 or 403", name, a.Status)
				}
			}
			if a := c.Visit(replica, code+"+", nil); tells(a) {
				t.Errorf("the preview, GET /CODE+, shows the target to somebody without the password: every way to the target has to ask, not only the redirect")
			}
			if a := unlock(c, replica, code, secret, "192.0.2.1"); !tells(a) {
				t.Errorf("the right password doesn't lead to the target: POST /CODE on replica %d answers %s", replica+1, a)
			} else if a.Status == http.StatusMovedPermanently || a.Status == http.StatusPermanentRedirect {
				t.Errorf("POST /CODE answers %d: the browser keeps that, and asks for no password the next time", a.Status)
			}
		}
		if a := unlock(c, replica, locked, "open sesame 8", "192.0.2.2"); tells(a) || a.Status < 400 || a.Status > 499 {
			t.Errorf("a wrong password is answered %s, want 401 or 403 without the target", a)
		}
		if a := unlock(c, replica, locked, "", "192.0.2.2"); tells(a) {
			t.Errorf("the empty password opens the link")
		}
		if a := c.Visit(replica, open, nil); a.Location() != target {
			t.Errorf("a link without a password doesn't redirect any more: %s", a)
		}
	}

	for _, path := range []string{"/api/links/" + locked, "/api/links?owner=me"} {
		a := owner.Ask(1, http.MethodGet, path, "")
		if a.Status != http.StatusOK || strings.Contains(a.Body, secret) {
			t.Errorf("GET %s gives the password away, or fails: a password is written, never read: %s", path, a)
		}
	}

	tries := 0
	opens := func(replica int, code, password string) bool { // each from an address of its own
		tries++
		return tells(unlock(c, replica, code, password, fmt.Sprintf("198.51.%d.%d", tries/256, tries%256)))
	}
	owner.Change(locked, `{"password":"another one"}`)
	for replica := range 2 {
		if !exercises.Soon(t, func() bool { return opens(replica, locked, "another one") }) {
			t.Errorf("the new password doesn't open the link on replica %d: does the change reach every cache, with the hash in the entry?", replica+1)
		}
		if opens(replica, locked, secret) {
			t.Errorf("the old password still opens the link on replica %d after the change", replica+1)
		}
	}
	owner.Change(open, `{"password":"`+secret+`"}`)
	owner.Change(locked, `{"password":null}`)
	for replica := range 2 {
		if !exercises.Soon(t, func() bool { return !tells(c.Visit(replica, open, nil)) }) {
			t.Errorf("a link that was given a password later still redirects on replica %d: was the entry held in process corrected?", replica+1)
		}
		if !exercises.Soon(t, func() bool { return c.Visit(replica, locked, nil).Location() == target }) {
			t.Errorf("a link whose password was taken away doesn't redirect on replica %d", replica+1)
		}
	}

	const guesses = 60
	for i := range guesses {
		if a := unlock(c, i, permanent, "guess", "192.0.2.5"); a.Status == http.StatusTooManyRequests {
			return
		}
	}
	t.Errorf("one address has tried %d passwords in a row, and nobody said 429: a password of a person can be guessed, so guesses must be limited", guesses)
}
