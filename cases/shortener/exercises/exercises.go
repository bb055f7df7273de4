// Package exercises is how the checks of the exercises below it talk to the
// case: as link owners and as visitors, to each replica by its own address,
// over nothing but the public API.
package exercises

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"designkits/shared/exercise/grade"
)

// A Case is the learner's build while it runs, as two replicas or more.
type Case struct {
	t        testing.TB
	replicas []string // addresses
	client   *http.Client
}

// Start starts the learner's build for the exercise in the working directory.
func Start(t testing.TB) *Case {
	t.Helper()
	c := &Case{t: t, client: &http.Client{
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
	}}
	t.Cleanup(c.client.CloseIdleConnections)
	for name, addr := range grade.Start(t).Addresses {
		if strings.HasPrefix(name, "api-") {
			c.replicas = append(c.replicas, addr)
		}
	}
	slices.Sort(c.replicas)
	if len(c.replicas) < 2 {
		t.Fatalf("the case runs %d replicas of api, and the check needs two: has case.yaml replicas: 2?", len(c.replicas))
	}
	return c
}

// An Answer is what came back.
type Answer struct{ grade.Answer }

// Location is where a redirect leads, "" for anything else.
func (a Answer) Location() string {
	if a.Status < 300 || a.Status > 399 {
		return ""
	}
	return a.Header.Get("Location")
}

// Ask sends a request to a replica, counted from 0 and round: 2 is the first
// again. An empty body is none. The API is asked again where a store didn't answer in
// time; a redirect isn't, since each may count.
func (c *Case) Ask(replica int, method, path, body string, header http.Header) Answer {
	c.t.Helper()
	once := func() grade.Answer { return c.once(replica, method, path, body, header) }
	if !strings.HasPrefix(path, "/api/") {
		return Answer{once()}
	}
	return Answer{grade.Again(once)}
}

func (c *Case) once(replica int, method, path, body string, header http.Header) grade.Answer {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, "http://"+c.replicas[replica%len(c.replicas)]+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if host := header.Get("Host"); host != "" {
		req.Host = host
	}
	return grade.Ask(c.t, c.client, req)
}

// Visit follows a short link as a browser would, up to the first answer.
func (c *Case) Visit(replica int, code string, header http.Header) Answer {
	c.t.Helper()
	return c.Ask(replica, http.MethodGet, "/"+code, "", header)
}

// An Owner is somebody with an API key.
type Owner struct {
	c   *Case
	key string
}

// Owner returns a new one.
func (c *Case) Owner() *Owner {
	c.t.Helper()
	a := c.Ask(0, http.MethodPost, "/api/keys", "", nil)
	var made struct{ Key string }
	if json.Unmarshal([]byte(a.Body), &made) != nil || made.Key == "" {
		c.t.Fatalf("POST /api/keys: %s, want a key as before", a)
	}
	return &Owner{c, made.Key}
}

// Ask sends a request of the API with the owner's key and a JSON body.
func (o *Owner) Ask(replica int, method, path, body string) Answer {
	o.c.t.Helper()
	return o.c.Ask(replica, method, path, body, http.Header{"Authorization": {"Bearer " + o.key}, "Content-Type": {"application/json"}})
}

// Make makes a link of a draft in JSON and returns its code, or ends the check.
func (o *Owner) Make(draft string) string {
	o.c.t.Helper()
	a := o.Ask(0, http.MethodPost, "/api/links", draft)
	var made struct{ Code string }
	if a.Status != http.StatusCreated || json.Unmarshal([]byte(a.Body), &made) != nil {
		o.c.t.Fatalf("POST /api/links %s: %s, want 201: does the API take the new fields already?", draft, a)
	}
	return made.Code
}

// Change changes a link as the JSON says, or ends the check.
func (o *Owner) Change(code, change string) {
	o.c.t.Helper()
	if a := o.Ask(0, http.MethodPatch, "/api/links/"+code, change); a.Status != http.StatusOK {
		o.c.t.Fatalf("PATCH /api/links/%s %s: %s, want 200", code, change, a)
	}
}

// Soon waits, for fifteen seconds at most, until it holds.
func Soon(t testing.TB, holds func() bool) bool {
	t.Helper()
	return grade.Soon(15*time.Second, holds)
}
