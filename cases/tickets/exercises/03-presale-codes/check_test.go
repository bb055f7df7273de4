//go:build exercise

package presale_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"designkits/cases/tickets/exercises"
)

// soon is an event whose presale has begun and whose sale hasn't.
const (
	soon    = `{"presale":"2020-01-01T00:00:00Z","onSale":"2098-01-01T00:00:00Z"}`
	earlier = `{"presale":"2097-01-01T00:00:00Z","onSale":"2098-01-01T00:00:00Z"}`
)

type sale struct {
	t         *testing.T
	c         *exercises.Case
	organiser *exercises.Somebody
	path      string
}

func open(t *testing.T, c *exercises.Case, change string) sale {
	t.Helper()
	return sale{t, c, c.Organiser(), c.Open(change)}
}

// code makes a code, or changes it.
func (s sale) code(code string, accounts int) {
	s.t.Helper()
	if a := s.organiser.Ask(0, http.MethodPost, s.path+"/presale-codes", fmt.Sprintf(`{"code":%q,"accounts":%d}`, code, accounts)); a.Status != http.StatusCreated {
		s.t.Fatalf("POST …/presale-codes: %s, want 201", a)
	}
}

func (s sale) enter(fan *exercises.Somebody, replica int, code string) int {
	s.t.Helper()
	return fan.Ask(replica, http.MethodPost, s.path+"/presale", fmt.Sprintf(`{"code":%q}`, code)).Status
}

func (s sale) enters(fan *exercises.Somebody, replica int, code string, want int, who string) {
	s.t.Helper()
	if got := s.enter(fan, replica, code); got != want {
		s.t.Errorf("%s comes with a code to replica %d and is answered %d, want %d", who, replica+1, got, want)
	}
}

func (s sale) holds(fan *exercises.Somebody, replica, want int, who string) {
	s.t.Helper()
	if a := fan.Ask(replica, http.MethodPost, s.path+"/holds", exercises.Best(1, "1")); a.Status != want {
		s.t.Errorf("%s holds a seat at replica %d: %s, want %d", who, replica+1, a, want)
	}
}

func TestPresaleCodes(t *testing.T) {
	c := exercises.Start(t)
	s := open(t, c, soon)
	member, outsider := c.Fan(), c.Fan()

	s.code("FANCLUB", 2)
	s.holds(member, 0, http.StatusForbidden, "a fan who hasn't come in yet")
	s.enters(member, 0, "FANCLUB", http.StatusNoContent, "the first of two")
	for replica := range 2 {
		s.holds(member, replica, http.StatusCreated, "a fan who is in")
		s.holds(outsider, replica, http.StatusForbidden, "a fan without a code")
		s.enters(outsider, replica, "FUNCLUB", http.StatusUnprocessableEntity, "a fan with a code that there is none")
	}
	hold := member.Hold(1, s.path, exercises.Best(2, "2"))
	member.Order(0, s.path, hold)
	s.holds(outsider, 0, http.StatusForbidden, "a fan who has tried a code that there is none")

	full(t, s, member)
	for round := range 5 {
		s.race(fmt.Sprintf("RACE-%d", round), 10, 40, round == 0)
	}
	others(t, s, member)
	bounds(t, s, member)
	begins(t, s, outsider)
}

// full looks at a code that has let in its two, and is changed.
func full(t *testing.T, s sale, member *exercises.Somebody) {
	t.Helper()
	second, third := s.c.Fan(), s.c.Fan()
	for replica := range 2 {
		s.enters(member, replica, "FANCLUB", http.StatusNoContent, "a fan who is in already")
	}
	s.enters(second, 1, "FANCLUB", http.StatusNoContent, "the second of two, after the first has come three times: an account that is in uses nothing up, so it")
	s.enters(third, 0, "FANCLUB", http.StatusConflict, "the third of two")
	s.holds(third, 1, http.StatusForbidden, "a fan who came too late")
	s.code("FANCLUB", 3)
	s.enters(third, 1, "FANCLUB", http.StatusNoContent, "the third, of three now,")
	s.enters(s.c.Fan(), 1, "FANCLUB", http.StatusConflict, "the fourth of three: a code that is changed goes on counting, so the fourth")
	s.code("FANCLUB", 1)
	s.enters(second, 0, "FANCLUB", http.StatusNoContent, "a fan who is in, of a code for fewer now,")
	s.holds(second, 1, http.StatusCreated, "a fan who is in by a code that is for fewer now")
}

// race lets all fans come at the same moment, each of them at both replicas.
func (s sale) race(code string, accounts, fans int, hold bool) {
	s.t.Helper()
	s.code(code, accounts)
	all := make([]*exercises.Somebody, fans)
	for i := range all {
		all[i] = s.c.Fan()
	}
	in := make([][2]int, fans)
	var coming sync.WaitGroup
	for i, fan := range all {
		for replica := range 2 {
			coming.Go(func() { in[i][replica] = s.enter(fan, replica, code) })
		}
	}
	coming.Wait()
	var entered atomic.Int64
	for i, fan := range all {
		may := in[i][0] == http.StatusNoContent
		if in[i][0] != in[i][1] || !may && in[i][0] != http.StatusConflict {
			s.t.Errorf("a fan comes to both replicas at once, and one answers %d and the other %d, want 204 or 409 of both", in[i][0], in[i][1])
		}
		if may {
			entered.Add(1)
		}
		switch {
		case hold && may:
			s.holds(fan, i, http.StatusCreated, "a fan who has come in among many")
		case hold:
			s.holds(fan, i, http.StatusForbidden, "a fan who was told that the code is used up")
		}
	}
	switch n := int(entered.Load()); {
	case n > accounts:
		s.t.Errorf("%d of %d fans at once have come in by a code for %d: looking how many are in and letting one more in are two steps, and somebody else comes in between", n, fans, accounts)
	case n < accounts:
		s.t.Errorf("%d of %d fans at once have come in by a code for %d: places were used up by nobody, or twice by one account", n, fans, accounts)
	}
}

// others looks at other events: with a code of their own, before the presale, and
// without one.
func others(t *testing.T, s sale, member *exercises.Somebody) {
	t.Helper()
	other := open(t, s.c, soon)
	other.enters(member, 0, "FANCLUB", http.StatusUnprocessableEntity, "a fan with the code of another event")
	other.holds(member, 1, http.StatusForbidden, "a fan who is in at another event")

	early := open(t, s.c, earlier)
	early.code("FANCLUB", 5)
	early.enters(member, 0, "FANCLUB", http.StatusNoContent, "a fan before the presale has begun")
	early.holds(member, 1, http.StatusConflict, "a fan who is in, before the presale has begun,")

	none := open(t, s.c, `{"onSale":"2098-01-01T00:00:00Z"}`)
	none.holds(member, 0, http.StatusConflict, "a fan of an event without a presale")
}

// bounds tries what can't be.
func bounds(t *testing.T, s sale, fan *exercises.Somebody) {
	t.Helper()
	for _, presale := range []string{"2098-01-01T00:00:00Z", "2098-06-01T00:00:00Z"} {
		body := s.c.Event(`{"presale":"` + presale + `","onSale":"2098-01-01T00:00:00Z"}`)
		if a := s.organiser.Ask(0, http.MethodPut, s.path, body); a.Status != http.StatusUnprocessableEntity {
			t.Errorf("a presale that isn't before the sale is answered %d, want 422", a.Status)
		}
	}
	for _, body := range []string{`{"code":"X","accounts":0}`, `{"code":"X","accounts":-1}`, `{"code":"","accounts":5}`} {
		if a := s.organiser.Ask(0, http.MethodPost, s.path+"/presale-codes", body); a.Status != http.StatusUnprocessableEntity {
			t.Errorf("the code %s is answered %d, want 422", body, a.Status)
		}
	}
	if a := fan.Ask(0, http.MethodPost, s.path+"/presale-codes", `{"code":"MINE","accounts":5}`); a.Status != http.StatusForbidden {
		t.Errorf("a fan who makes a code is answered %d, want 403", a.Status)
	}
}

// begins lets the sale begin for everybody.
func begins(t *testing.T, s sale, outsider *exercises.Somebody) {
	t.Helper()
	body := s.c.Event(`{"presale":"2020-01-01T00:00:00Z","onSale":"2020-01-02T00:00:00Z"}`)
	if a := s.organiser.Ask(0, http.MethodPut, s.path, body); a.Status != http.StatusOK {
		t.Fatalf("PUT of the event with a sale that has begun: %s", a)
	}
	for replica := range 2 {
		if !exercises.Soon(t, func() bool {
			return outsider.Ask(replica, http.MethodPost, s.path+"/holds", exercises.Best(1, "2")).Status == http.StatusCreated
		}) {
			t.Errorf("the sale has begun, and replica %d still refuses a fan without a code", replica+1)
		}
	}
}
