//go:build exercise

package policy_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"designkits/cases/tickets/exercises"
)

const (
	fans   = 800 // come to each lottery and are looked at; every other one is a member
	behind = 800 // come as well, so that the queue is there while the others are looked at
	more   = 12  // come late, or want to cheat
	weight = 3
	atOnce = 32 // requests
)

// A fan has a browser and an address of its own, so that the bot defence has no
// work for it.
type fan struct {
	*exercises.Somebody
	membership string
	rank       int // in the queue; those who were let in before anybody looked share the first
}

type standing struct {
	Status string `json:"status"`
	Ahead  int    `json:"ahead"`
}

func newFan(c *exercises.Case, n int) *fan {
	f := &fan{Somebody: c.Fan()}
	f.Header = http.Header{
		"User-Agent":      {"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"},
		"Accept-Language": {"en-GB,en;q=0.9"}, "Accept-Encoding": {"identity"}, "Sec-Fetch-Site": {"same-origin"},
		"X-Forwarded-For": {fmt.Sprintf("198.18.%d.%d", n/250, n%250+1)},
	}
	return f
}

// all calls do for each of the fans, some at once.
func all(of []*fan, do func(n int, f *fan)) {
	var work sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for n, f := range of {
		places <- struct{}{}
		work.Go(func() {
			defer func() { <-places }()
			do(n, f)
		})
	}
	work.Wait()
}

func (f *fan) join(event, membership string) (standing, exercises.Answer) {
	body := `{}`
	if membership != "" {
		body = fmt.Sprintf(`{"membership":%q}`, membership)
	}
	a := f.Room(http.MethodPost, strings.Replace(event, "/api/events/", "/api/room/", 1), body)
	var s standing
	_ = json.Unmarshal([]byte(a.Body), &s) // a refusal has no status
	return s, a
}

func (f *fan) place(event string) (s standing, a exercises.Answer) {
	a = f.Room(http.MethodGet, strings.Replace(event, "/api/events/", "/api/room/", 1), "")
	_ = json.Unmarshal([]byte(a.Body), &s) // a refusal has no status
	return s, a
}

const early = `"room":true,"onSale":"2098-01-01T00:00:00Z"`

func TestSecondWaitingRoomPolicy(t *testing.T) {
	c := exercises.Start(t)
	organiser := c.Organiser()
	weighted := c.Open(`{` + early + `,"draw":"weighted"}`)
	even := c.Open(`{` + early + `}`)
	for path, draw := range map[string]string{weighted: "weighted", even: "even"} {
		if a := organiser.Ask(1, http.MethodGet, path, ""); !strings.Contains(a.Body, `"draw":"`+draw+`"`) {
			t.Fatalf("GET of an event doesn't say that its draw is %s: %s", draw, a)
		}
	}
	if a := organiser.Ask(0, http.MethodPut, weighted, c.Event(`{"draw":"loaded"}`)); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("a draw that there isn't is answered %d, want 422", a.Status)
	}

	everybody := make([]*fan, fans+behind+more)
	all(everybody, func(n int, _ *fan) { everybody[n] = newFan(c, n) })
	crowd, drawn, others := everybody[:fans], everybody[:fans+behind], everybody[fans+behind:]
	came := time.Now()
	all(crowd, func(n int, f *fan) {
		if n%2 == 0 && !t.Failed() {
			f.membership = member(t, organiser, weighted, f.Account, weight)
		}
	})
	if t.Failed() {
		return
	}
	// Who joins within a second of coming is suspected to be a program, and has work to do.
	exercises.Soon(t, func() bool { return time.Since(came) > 2*time.Second })
	for _, event := range []string{weighted, even} {
		if !exercises.Soon(t, func() bool { _, a := crowd[0].place(event); return strings.Contains(a.Body, "no-place") }) {
			t.Fatal("the gate doesn't know the new event")
		}
	}
	refusals(t, others[:2], organiser, weighted, even)

	for _, event := range []string{weighted, even} {
		all(drawn, func(_ int, f *fan) {
			if s, a := f.join(event, f.membership); s.Status != "early" && !t.Failed() {
				t.Errorf("POST /api/room/EVENT with a good membership, or none: %s, want a place in the lottery", a)
			}
		})
	}
	// Asking again is worth nothing, neither with a membership nor without one.
	all(crowd[fans/2:], func(_ int, f *fan) {
		for range 3 {
			f.join(weighted, f.membership)
		}
	})
	if t.Failed() {
		return
	}

	late := begin(t, c, organiser, weighted, `{"room":true,"draw":"weighted"}`, crowd[0], others[2])
	queue(t, crowd, weighted, late)
	members, rest := split(crowd, func(n int) bool { return n%2 == 0 })
	if share := before(members, rest); share < 0.67 || share > 0.82 {
		t.Errorf("of a member with %d lots and somebody with one, the member stands before the other in %.1f %% of the cases, want about 75 %%: "+
			"the weight must count, like %d lots of which the best counts, and not as a rank", weight, 100*share, weight)
	}
	if last := lastQuarter(crowd); last < 8 {
		t.Errorf("of the %d in the last quarter of the queue %d are members, want about 30: members have better chances, and some are unlucky all the same; "+
			"a lot that is divided by its weight can't be a bad one", fans/4, last)
	}
	// Those of the second half have asked four times.
	again, once := split(crowd, func(n int) bool { return n >= fans/2 })
	if share := before(again, once); share < 0.41 || share > 0.59 {
		t.Errorf("who asked again and again stands before the others in %.1f %% of the cases, want about 50 %%: a place must not change when it is asked for again", 100*share)
	}
	lateComers(t, others[3:], organiser, weighted, late)

	late = begin(t, c, organiser, even, `{"room":true}`, crowd[0], others[2])
	queue(t, crowd, even, late)
	members, rest = split(crowd, func(n int) bool { return n%2 == 0 })
	if share := before(members, rest); share < 0.41 || share > 0.59 {
		t.Errorf("in an event whose draw is even, members stand before others in %.1f %% of the cases, want about 50 %%", 100*share)
	}
}

// member returns a membership that the organiser gives an account.
func member(t *testing.T, organiser *exercises.Somebody, event, account string, weight int) string {
	t.Helper()
	a := organiser.Ask(0, http.MethodPost, event+"/members", fmt.Sprintf(`{"account":%q,"weight":%d}`, account, weight))
	var made struct{ Membership string }
	if !a.Into(http.StatusCreated, &made) || made.Membership == "" {
		t.Errorf("POST %s/members: %s, want 201 and a membership", event, a)
	}
	return made.Membership
}

// refusals tries memberships that aren't good.
func refusals(t *testing.T, two []*fan, organiser *exercises.Somebody, event, other string) {
	t.Helper()
	for _, bad := range []string{"0", "-1", "11", "1.5"} {
		if a := organiser.Ask(1, http.MethodPost, event+"/members", `{"account":"ann","weight":`+bad+`}`); a.Status/100 != 4 {
			t.Errorf("a weight of %s is answered %d, want 422", bad, a.Status)
		}
	}
	thief := two[0]
	if a := thief.Ask(0, http.MethodPost, event+"/members", fmt.Sprintf(`{"account":%q,"weight":9}`, thief.Account)); a.Status != http.StatusForbidden {
		t.Errorf("a fan makes a membership and is answered %d, want 403", a.Status)
	}
	good := member(t, organiser, event, thief.Account, 2)
	forged := []byte(good)
	forged[len(good)/2] ^= 1 // another byte, whatever it was
	for what, text := range map[string]string{
		"of somebody else": member(t, organiser, event, two[1].Account, weight),
		"of another event": member(t, organiser, other, thief.Account, weight),
		"that is forged":   string(forged),
		"that is a word":   "member",
		// The session is a token of this service too, signed for this account.
		"that is a session": thief.Token,
	} {
		if _, a := thief.join(event, text); a.Status != http.StatusForbidden {
			t.Errorf("a membership %s is answered %s, want 403", what, a)
		}
		if _, a := thief.place(event); a.Status != http.StatusNotFound {
			t.Errorf("who shows a membership %s has a place afterwards: %s", what, a)
		}
	}
}

// begin opens the sale and has somebody come late, whom it returns.
func begin(t *testing.T, c *exercises.Case, organiser *exercises.Somebody, event, change string, early, late *fan) *fan {
	t.Helper()
	if a := organiser.Ask(0, http.MethodPut, event, c.Event(change)); a.Status != http.StatusOK {
		t.Fatalf("PUT of the event, to begin the sale: %s", a)
	}
	if !exercises.Soon(t, func() bool { s, _ := early.place(event); return s.Status != "early" }) {
		t.Fatal("the gate doesn't open at the time of the sale")
	}
	if s, a := late.join(event, ""); s.Status != "waiting" {
		t.Fatalf("who comes after the start is told: %s", a)
	}
	return late
}

// queue looks up each fan's place in the queue. It moves meanwhile; who came
// last tells how far.
func queue(t *testing.T, crowd []*fan, event string, late *fan) {
	t.Helper()
	length, a := late.place(event)
	if length.Status != "waiting" {
		t.Fatalf("who came last of %d is told %s right after the start", fans, a)
	}
	for some := range slices.Chunk(crowd, atOnce) {
		now, _ := late.place(event)
		served := length.Ahead - now.Ahead
		all(some, func(_ int, f *fan) {
			switch s, a := f.place(event); s.Status {
			case "admitted":
				f.rank = 0
			case "waiting":
				f.rank = 1 + served + s.Ahead
			default:
				t.Errorf("somebody who joined is told %s after the start", a)
			}
		})
	}
	if now, _ := late.place(event); now.Status != "waiting" {
		t.Fatal("the queue was over before all had looked: this machine is too busy for the check, try again")
	}
}

func split(crowd []*fan, first func(n int) bool) (a, b []*fan) {
	for n, f := range crowd {
		if first(n) {
			a = append(a, f)
		} else {
			b = append(b, f)
		}
	}
	return a, b
}

// before is the share of pairs of one of a and one of b in which that of a
// stands before the other.
func before(a, b []*fan) float64 {
	wins := 0.0
	for _, f := range a {
		for _, g := range b {
			switch {
			case f.rank < g.rank:
				wins++
			case f.rank == g.rank:
				wins += 0.5
			}
		}
	}
	return wins / float64(len(a)*len(b))
}

// lastQuarter counts the members in it.
func lastQuarter(crowd []*fan) (members int) {
	ordered := slices.SortedFunc(slices.Values(crowd), func(a, b *fan) int { return a.rank - b.rank })
	for _, f := range ordered[3*fans/4:] {
		if f.membership != "" {
			members++
		}
	}
	return members
}

// lateComers come one after the other, members among them.
func lateComers(t *testing.T, come []*fan, organiser *exercises.Somebody, event string, first *fan) {
	t.Helper()
	for n, f := range come[:5] {
		membership := ""
		if n%2 == 0 {
			membership = member(t, organiser, event, f.Account, 10)
		}
		s, a := f.join(event, membership)
		// The queue only gets shorter, so who was there before has fewer ahead still.
		if ahead, _ := first.place(event); s.Status != "waiting" || ahead.Status == "waiting" && s.Ahead <= ahead.Ahead {
			t.Errorf("who comes after the start (with a membership: %v) stands before somebody who came earlier: %s, and the other has %d ahead", membership != "", a, ahead.Ahead)
		}
		first = f
	}
}
