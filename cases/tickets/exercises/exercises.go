// Package exercises is how the checks of the exercises below it talk to the
// case: as fans, the organiser and the door, to each replica of booking by its
// own address, over nothing but the public API.
package exercises

import (
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"designkits/shared/exercise/grade"
)

// A Case is the learner's build while it runs, with two replicas of booking or
// more.
type Case struct {
	t        testing.TB
	replicas []string // addresses of booking
	gate     string   // "" where the exercise doesn't run it
	secrets  map[string]string
	client   *http.Client
}

// Start starts the learner's build for the exercise in the working directory.
func Start(t testing.TB) *Case {
	t.Helper()
	running := grade.Start(t)
	c := &Case{t: t, gate: running.Addresses["gate"], secrets: map[string]string{}, client: &http.Client{
		Timeout:   20 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
	}}
	t.Cleanup(c.client.CloseIdleConnections)
	for name, addr := range running.Addresses {
		if strings.HasPrefix(name, "booking-") {
			c.replicas = append(c.replicas, addr)
		}
	}
	slices.Sort(c.replicas)
	if len(c.replicas) < 2 {
		t.Fatalf("the case runs %d replicas of booking, and the check needs two: has case.yaml replicas: 2?", len(c.replicas))
	}
	for _, role := range []string{"organiser", "door"} {
		c.secrets[role] = running.Lab[strings.ToUpper(role)+"_SECRET"]
	}
	return c
}

// An Answer is what came back.
type Answer = grade.Answer

// Somebody is a fan, the organiser, or a door: a session.
type Somebody struct {
	c       *Case
	Header  http.Header `json:"-"` // sent with every request besides
	Account string      `json:"account"`
	Token   string      `json:"token"`
}

// Fan returns a new one.
func (c *Case) Fan() *Somebody {
	c.t.Helper()
	return c.session("fan")
}

// Organiser returns a session of the organiser's.
func (c *Case) Organiser() *Somebody {
	c.t.Helper()
	return c.session("organiser")
}

// Door returns a session of a door's.
func (c *Case) Door() *Somebody {
	c.t.Helper()
	return c.session("door")
}

func (c *Case) session(role string) *Somebody {
	c.t.Helper()
	s := &Somebody{c: c}
	a := s.Ask(0, http.MethodPost, "/api/session", fmt.Sprintf(`{"role":%q,"secret":%q}`, role, c.secrets[role]))
	if !a.Into(http.StatusCreated, s) || s.Token == "" {
		c.t.Fatalf("POST /api/session as %s: %s, want a session as before", role, a)
	}
	return s
}

// Ask sends a request to a replica of booking, counted from 0 and round: 2 is
// the first again. An empty body is none. A POST has an Idempotency-Key of its
// own.
func (s *Somebody) Ask(replica int, method, path, body string) Answer {
	s.c.t.Helper()
	return s.Again(rand.Text(), replica, method, path, body)
}

// Again is Ask with a key, to repeat a request.
func (s *Somebody) Again(key string, replica int, method, path, body string) Answer {
	s.c.t.Helper()
	return s.ask(s.c.replicas[replica%len(s.c.replicas)], key, method, path, body)
}

// Room sends a request to the waiting room.
func (s *Somebody) Room(method, path, body string) Answer {
	s.c.t.Helper()
	if s.c.gate == "" {
		s.c.t.Fatal("the exercise's README doesn't say that it runs gate")
	}
	return s.ask(s.c.gate, "", method, path, body)
}

// ask asks again, with the same key, where a store didn't answer in time, as the API says
// to do and the page does.
func (s *Somebody) ask(addr, key, method, path, body string) Answer {
	s.c.t.Helper()
	return grade.Again(func() Answer { return s.once(addr, key, method, path, body) })
}

func (s *Somebody) once(addr, key, method, path, body string) Answer {
	t := s.c.t
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(req.Header, s.Header)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if s.Token != "" {
		req.Header.Set("Authorization", "Bearer "+s.Token)
	}
	if method == http.MethodPost && key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	return grade.Ask(t, s.c.client, req)
}

// Soon waits, for fifteen seconds at most, until it holds.
func Soon(t testing.TB, holds func() bool) bool {
	t.Helper()
	return grade.Soon(15*time.Second, holds)
}
