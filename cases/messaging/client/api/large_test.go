package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/cassandra"
	"designkits/cases/messaging/adapters/device"
	"designkits/cases/messaging/client/api"
	"designkits/cases/messaging/client/e2e"
	"designkits/cases/messaging/wire"
	"designkits/shared/cql"
	"designkits/shared/testenv"
)

// borrowed makes the keys of bundle once.
func borrowed() (e2e.PublicKeys, error) {
	d, err := e2e.Create(e2e.NewMemory(), e2e.Address{User: "u0123456789abcdef", Device: 1}, time.Now())
	if err != nil {
		return e2e.PublicKeys{}, err
	}
	return d.PublicKeys()
}

// A host makes large groups: it adds people by their ids, and says nothing.
type host struct {
	*device.Device
	t    *testing.T
	said int
}

func (s *site) host(db *cassandra.DB) *host {
	s.t.Helper()
	a, err := device.SignUp(s.t.Context(), "http://"+s.Addr("gateway-1"), "host", "desk")
	s.must(err)
	s.must(db.Prekeys().Publish(s.t.Context(), s.bundle(a.Device)))
	d := device.New(device.Config{Address: a.Device, Token: a.Token, Gateways: func() []string { return []string{s.Addr("gateway-1")} },
		Shown: func(messaging.Message) error { return nil }})
	ctx, cancel := context.WithCancel(s.t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = d.Run(ctx) })
	s.t.Cleanup(func() { cancel(); running.Wait() })
	return &host{Device: d, t: s.t}
}

// begin makes a group of people.
func (h *host) begin(users []messaging.UserID) messaging.ConversationID {
	h.t.Helper()
	c := messaging.NewConversationID(messaging.Group)
	first := min(len(users), messaging.MaxAdded)
	h.send(wire.Send{Conversation: c, Kind: messaging.Created, Title: "a crowd", Users: users[:first]})
	for some := range slices.Chunk(users[first:], messaging.MaxAdded) {
		h.add(c, some...)
	}
	return c
}

// add brings more people into a group.
func (h *host) add(c messaging.ConversationID, users ...messaging.UserID) {
	h.t.Helper()
	h.send(wire.Send{Conversation: c, Kind: messaging.Added, Users: users})
}

func (h *host) send(m wire.Send) {
	h.t.Helper()
	h.said++
	m.ID = messaging.MessageID(fmt.Sprintf("said-%012d", h.said))
	if _, err := h.Send(h.t.Context(), m); err != nil {
		h.t.Fatal(err)
	}
}

func (s *site) db() *cassandra.DB {
	s.t.Helper()
	db, err := cassandra.Open(s.t.Context(), cassandra.Config{Config: cql.Config{Hosts: []string{testenv.Addr(s.t, "cassandra")}, Keyspace: s.Namespace}, Timeout: 10 * time.Second})
	s.must(err)
	s.t.Cleanup(db.Close)
	return db
}

// order is a roster in the order of its pages.
func (s *site) order(db *cassandra.DB, c messaging.ConversationID) (users []messaging.UserID) {
	s.t.Helper()
	for after := messaging.UserID(""); ; {
		page, err := db.Rosters().Page(s.t.Context(), c, after, wire.MaxRoster)
		s.must(err)
		for _, m := range page.Members {
			users = append(users, m.User)
		}
		if !page.More {
			return users
		}
		after = users[len(users)-1]
	}
}

// joinLate has somebody join a group of thousands and speak. Who is on a late page of its
// roster has no key of theirs before, and reads it.
func (s *site) joinLate(t *testing.T, db *cassandra.DB, host *host) {
	users := make([]messaging.UserID, 2*wire.MaxRoster+500)
	for i := range users {
		users[i] = messaging.NewUserID()
	}
	c := host.begin(users)
	reader := ""
	for reader == "" { // until one doesn't come on the first page
		path, name := filepath.Join(t.TempDir(), "member"), fmt.Sprint("member", len(users))
		store, err := e2e.OpenFile(path)
		s.must(err)
		one, err := api.Open(api.Config{Store: store, Gateway: s.Addr("gateway-1")})
		s.must(err)
		s.must(one.SignUp(t.Context(), name, "phone"))
		s.must(store.Close())
		users = append(users, one.Me().User)
		host.add(c, one.Me().User)
		at := -1
		testenv.Eventually(t, time.Minute, name+" is stored as a member", func() bool {
			at = slices.Index(s.order(db, c), one.Me().User)
			return at >= 0
		})
		if at >= wire.MaxRoster {
			reader = path
		}
	}
	there, late := s.switchOn(reader, nil), s.person("late")
	host.add(c, late.Me().User)
	testenv.Eventually(t, time.Minute, "late is in it", func() bool { return late.View(c, 1).Last > 0 })
	began := time.Now()
	late.say(c, "hello, everybody")
	there.shows(c, "late: hello, everybody")
	t.Logf("the first message to %d people took %s", len(users)+2, time.Since(began).Round(time.Millisecond))
	if n := len(late.View(c, 1).Members); n != len(users)+2 {
		t.Errorf("who has joined knows %d members, want %d", n, len(users)+2)
	}
}

// asked counts a phone's requests by their path.
type asked struct {
	mu    sync.Mutex
	paths map[string]int
}

func (a *asked) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	a.paths[r.Method+" "+r.URL.Path]++
	a.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

// take is how many there were since.
func (a *asked) take() (paths map[string]int, lookUps int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	paths, a.paths = a.paths, map[string]int{}
	for path, n := range paths {
		if strings.Contains(path, "/api/users/") {
			lookUps += n
		}
	}
	return paths, lookUps
}

// bundle is of keys that all have whom nobody runs, which nobody who writes to them minds.
func (s *site) bundle(a messaging.Address) messaging.Bundle {
	s.t.Helper()
	keys, err := s.keys()
	s.must(err)
	signed, err := json.Marshal(map[string]any{"registrationId": keys.RegistrationID, "signedPreKey": keys.SignedPreKey, "lastResort": keys.LastResort})
	s.must(err)
	return messaging.Bundle{Device: a, Identity: keys.IdentityKey, Signed: signed, OneTime: []messaging.Prekey{{ID: keys.OneTime[0].ID, Key: keys.OneTime[0].Key}}}
}

// people makes accounts with a device each, by the stores.
func (s *site) people(db *cassandra.DB, n int) []messaging.UserID {
	s.t.Helper()
	users := make([]messaging.UserID, n)
	all, ctx := errgroup.WithContext(s.t.Context())
	all.SetLimit(16)
	for i := range users {
		users[i] = messaging.NewUserID()
		all.Go(func() error {
			if err := db.Accounts().Create(ctx, users[i], "name"+string(users[i])); err != nil {
				return err
			}
			d, err := db.Accounts().Link(ctx, users[i], "phone")
			if err != nil {
				return err
			}
			return db.Prekeys().Publish(ctx, s.bundle(d.Address))
		})
	}
	s.must(all.Wait())
	return users
}

// reload has a phone begin anew: it knows of nobody which devices they have, and learns
// it of hundreds at a time.
func (s *site) reload(t *testing.T, db *cassandra.DB, host *host) {
	requests := &asked{paths: map[string]int{}}
	s.http = &http.Client{Transport: requests}
	ana := s.person("ana")
	users := append(s.people(db, 260), ana.Me().User)
	c := host.begin(users)
	testenv.Eventually(t, time.Minute, "ana is in it", func() bool { return len(ana.View(c, 1).Members) == len(users)+1 })
	say := func(text string) (paths map[string]int, lookUps int) {
		requests.take()
		began := time.Now()
		ana.say(c, text)
		ana.reaches(c, api.Sent)
		paths, lookUps = requests.take()
		t.Logf("%s: %s, by %v", text, time.Since(began).Round(time.Millisecond), paths)
		return paths, lookUps
	}
	say("before")
	ana.stop()
	ana = s.switchOn(ana.path, nil)
	paths, lookUps := say("after")
	if lookUps != 2 { // 250 at a time
		t.Errorf("%d people are looked up by %d requests, want 2", len(users)+1, lookUps)
	}
	if claims := paths["POST /api/prekeys/claim"]; claims > 0 {
		t.Errorf("keys are claimed once more, by %d requests", claims)
	}
}

// keyless has somebody in a group whose device has published nothing, as one that broke
// off its first minute: others write on, without asking for its keys each time.
func (s *site) keyless(t *testing.T, db *cassandra.DB, host *host) {
	requests := &asked{paths: map[string]int{}}
	s.http = &http.Client{Transport: requests}
	dora, broken := s.person("dora"), messaging.NewUserID()
	s.must(db.Accounts().Create(t.Context(), broken, "name"+string(broken)))
	_, err := db.Accounts().Link(t.Context(), broken, "phone")
	s.must(err)
	c := host.begin(append(s.people(db, 1), broken, dora.Me().User))
	testenv.Eventually(t, time.Minute, "dora is in it", func() bool { return len(dora.View(c, 1).Members) == 4 })
	began := time.Now()
	const messages = 40 // more than somebody's keys may be claimed in an hour
	for i := range messages {
		dora.say(c, fmt.Sprint("message ", i))
	}
	dora.reaches(c, api.Sent)
	took := time.Since(began)
	paths, _ := requests.take()
	if claims := paths["POST /api/prekeys/claim"]; claims < 1 || claims > 3+int(took/(2*time.Second)) {
		t.Errorf("%d messages in %s claim keys %d times", messages, took.Round(time.Second), claims)
	}
}

func TestLargeGroups(t *testing.T) {
	s := newSite(t)
	db := s.db()
	host := s.host(db)
	t.Run("who joins late is read by all", func(t *testing.T) { s.joinLate(t, db, host) })
	t.Run("a message after a reload takes few requests", func(t *testing.T) { s.reload(t, db, host) })
	t.Run("who has published no keys holds nobody up", func(t *testing.T) { s.keyless(t, db, host) })
}
