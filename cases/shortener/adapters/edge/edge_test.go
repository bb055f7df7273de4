package edge_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"designkits/shared/casetest"
	"designkits/shared/rig"
	"designkits/shared/testenv"
)

// A site is the case with an edge that keeps redirects, and a key of its API.
type site struct {
	t   *testing.T
	c   *rig.Case
	key string
}

func open(t *testing.T) *site {
	s := &site{t: t, c: casetest.Start(t, rig.Options{Env: map[string]string{"EDGE_CACHE_FOR": "1m", "EDGE": "http://${nginx}"}})}
	var made struct{ Key string }
	s.api(http.MethodPost, "keys", nil, &made)
	s.key = made.Key
	return s
}

func (s *site) api(method, path string, in, out any) {
	s.t.Helper()
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			s.t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.c.Page+"api/"+path, &body)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		text, _ := io.ReadAll(res.Body)
		s.t.Fatalf("%s %s: %s %s", method, path, res.Status, text)
	}
	if out != nil {
		if err := json.NewDecoder(res.Body).Decode(out); err != nil {
			s.t.Fatal(err)
		}
	}
}

// ask asks the edge; header is put on the request.
func (s *site) ask(method, code string, header http.Header) *http.Response {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.c.Page+code, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header = header.Clone()
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	res.Body.Close()
	return res
}

var person = http.Header{"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}, "X-Forwarded-For": {"198.18.7.7"}}

// counted is how many clicks the replicas have recorded.
func (s *site) counted() (n int) {
	s.t.Helper()
	for _, replica := range []string{"api-1", "api-2"} {
		v, err := s.c.Metric(s.t.Context(), replica, "shortener_clicks_recorded_total")
		if err != nil {
			s.t.Fatal(err)
		}
		n += int(v)
	}
	return n
}

func (s *site) eventually(what string, holds func() bool) {
	s.t.Helper()
	testenv.Eventually(s.t, 20*time.Second, what, holds)
}

func TestTheEdgeAnswersCountsAndForgets(t *testing.T) {
	s := open(t)
	var link struct{ Code string }
	s.api(http.MethodPost, "links", map[string]any{"target": "https://example.org/one"}, &link)

	t.Run("it answers by itself, and every click is counted", func(t *testing.T) {
		s.t = t
		hits := 0
		for range 20 {
			res := s.ask(http.MethodGet, link.Code, person)
			if res.StatusCode != http.StatusFound || res.Header.Get("Location") != "https://example.org/one" {
				t.Fatalf("%s to %q", res.Status, res.Header.Get("Location"))
			}
			if res.Header.Get("X-Accel-Expires") != "" || res.Header.Get("Cache-Control") != "private, no-cache" {
				t.Errorf("the browser is told %v", res.Header)
			}
			if res.Header.Get("X-Edge-Cache") == "HIT" {
				hits++
			}
		}
		if hits != 19 {
			t.Errorf("%d of 20 were answered by the edge, want 19", hits)
		}
		s.eventually("20 clicks are counted", func() bool { return s.counted() == 20 })
	})
	t.Run("a HEAD is asked of a replica and is no click", func(t *testing.T) {
		s.t = t
		if res := s.ask(http.MethodHead, link.Code, person); res.StatusCode != http.StatusFound || res.Header.Get("X-Edge-Cache") != "BYPASS" {
			t.Errorf("%s, %s", res.Status, res.Header.Get("X-Edge-Cache"))
		}
		s.ask(http.MethodGet, link.Code, person) // comes after it, and is counted
		s.eventually("21 clicks are counted", func() bool { return s.counted() == 21 })
	})
	t.Run("nobody else can have it purged", func(t *testing.T) {
		s.t = t
		header := person.Clone()
		header.Set("X-Purge", "1")
		if res := s.ask(http.MethodGet, link.Code, header); res.Header.Get("X-Edge-Cache") != "HIT" || res.Header.Get("X-Purged") != "" {
			t.Errorf("a stranger's purge: %v", res.Header)
		}
	})
	t.Run("a changed target is there when the change is answered", func(t *testing.T) {
		s.t = t
		for i := range 20 {
			want := fmt.Sprintf("https://example.org/changed/%d", i)
			s.api(http.MethodPatch, "links/"+link.Code, map[string]any{"target": want}, nil)
			if res := s.ask(http.MethodGet, link.Code, person); res.Header.Get("Location") != want {
				// The purge may have met a replica that had not heard of it, and waits.
				s.eventually("the edge leads to "+want, func() bool {
					return s.ask(http.MethodGet, link.Code, person).Header.Get("Location") == want
				})
			}
		}
	})
	t.Run("an alias that was asked for in vain is there once it is claimed", func(t *testing.T) {
		s.t = t
		program := http.Header{"X-Forwarded-For": {"198.18.7.8"}} // has no Accept, so it gets what the edge was told
		for i := range 10 {
			alias := fmt.Sprintf("in-vain-%d", i)
			for range 2 { // each replica holds that there is nothing
				s.ask(http.MethodHead, alias, program)
			}
			s.api(http.MethodPost, "links", map[string]any{"target": "https://example.org/claimed", "alias": alias}, nil)
			if res := s.ask(http.MethodGet, alias, program); res.StatusCode != http.StatusFound {
				s.eventually("the edge leads to "+alias, func() bool {
					return s.ask(http.MethodGet, alias, program).StatusCode == http.StatusFound
				})
			}
		}
	})
	t.Run("a deleted link is gone, and who asks for it is no click", func(t *testing.T) {
		s.t = t
		s.api(http.MethodDelete, "links/"+link.Code, nil, nil)
		program := http.Header{"X-Forwarded-For": {"198.18.7.9"}}
		s.eventually("the edge answers 404", func() bool {
			return s.ask(http.MethodGet, link.Code, program).StatusCode == http.StatusNotFound
		})
		before := s.counted()
		for range 5 {
			s.ask(http.MethodGet, link.Code, program)
		}
		var kept struct{ Code string } // its click comes after theirs
		s.api(http.MethodPost, "links", map[string]any{"target": "https://example.org/kept"}, &kept)
		s.ask(http.MethodGet, kept.Code, person)
		s.eventually("one more click is counted", func() bool { return s.counted() > before })
		if n := s.counted(); n != before+1 {
			t.Errorf("%d clicks were counted, want that of the link that is there", n-before)
		}
	})
	t.Run("an expiry bounds what the edge keeps", func(t *testing.T) {
		s.t = t
		var short struct{ Code string }
		s.api(http.MethodPost, "links", map[string]any{"target": "https://example.org/", "expires": time.Now().Add(8 * time.Second)}, &short)
		s.ask(http.MethodGet, short.Code, person)
		s.eventually("the edge answers 410", func() bool {
			return s.ask(http.MethodGet, short.Code, person).StatusCode == http.StatusGone
		})
	})
}
