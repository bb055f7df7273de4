package gateapi_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"designkits/cases/tickets/adapters/redis"
	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/room"
	"designkits/shared/testenv"
)

func TestTheLotteryBeforeAndFirstComeAfterAlsoWhenAGateIsRestarted(t *testing.T) {
	s := newScene(t)
	s.onSale(time.Now().Add(time.Hour))
	one := s.gate("one", false, nil)
	fans := make([]fan, 60)
	for n := range fans {
		fans[n] = newFan(t, fmt.Sprintf("fan-%d", n)).at(fmt.Sprintf("203.0.113.%d", n))
	}
	early, late := fans[:40], fans[40:]
	for range 2 { // asking again is worth nothing
		for _, f := range early {
			if a := one.join(f).want(t, 200, ""); a.Is != room.Early || a.Ahead != nil {
				t.Fatalf("%s", a.text)
			}
		}
	}
	s.onSale(time.Now().Add(-time.Millisecond))
	for _, f := range late[:10] {
		one.join(f).want(t, 200, "")
	}
	places := func(g *gate, of []fan) (ahead []int64) {
		for _, f := range of {
			a := g.ask(f, "GET", "/api/room/e", "").want(t, 200, "")
			if a.Is != room.Waiting || a.Ahead == nil {
				t.Fatalf("%s", a.text)
			}
			ahead = append(ahead, *a.Ahead)
		}
		return ahead
	}
	before := places(one, fans[:50])
	one.stop()

	two := s.gate("two", false, nil)
	for _, f := range late[10:] {
		two.join(f).want(t, 200, "")
	}
	for _, f := range early { // whoever joins again has its place
		two.join(f).want(t, 200, "")
	}
	after := places(two, fans)
	if !slices.Equal(after[:50], before) {
		t.Errorf("a restart has reshuffled %v\nto %v", before, after[:50])
	}
	for i := range late {
		if after[40+i] != int64(40+i) {
			t.Errorf("late fan %d has %d ahead, want %d", i, after[40+i], 40+i)
		}
	}
	drawn := slices.Clone(after[:40])
	if slices.IsSorted(drawn) {
		t.Errorf("the early stand as they came: %v", drawn)
	}
	slices.Sort(drawn)
	for i, n := range drawn {
		if n != int64(i) {
			t.Fatalf("the early have %v ahead", drawn)
		}
	}
}

func TestWhoWaitsIsLetInWithAPassOfItsOwnThatIsRenewed(t *testing.T) {
	s := newScene(t)
	g := s.gate("one", true, nil)
	ann := newFan(t, "ann")
	g.join(ann).want(t, 200, "")
	lines := g.watch(ann)
	until(t, lines, func(name string, s Standing) bool { return name == "place" && s.Is == room.Admitted })
	var first Standing
	for range 2 {
		p := until(t, lines, func(name string, _ Standing) bool { return name == "pass" })
		if err := passes.Check(p.Pass, "e", "ann"); err != nil {
			t.Fatal(err)
		}
		if err := passes.Check(p.Pass, "e", "bob"); !errors.Is(err, room.ErrForeignPass) {
			t.Errorf("stolen: %v", err)
		}
		later := passes
		later.Now = func() time.Time { return time.Now().Add(passes.For) }
		if err := later.Check(p.Pass, "e", "ann"); !errors.Is(err, room.ErrPassExpired) {
			t.Errorf("expired: %v", err)
		}
		if p.Pass == first.Pass {
			t.Error("the same pass again")
		}
		first = p
	}
	if a := g.ask(ann, "GET", "/api/room/e", "").want(t, 200, ""); passes.Check(a.Pass, "e", "ann") != nil {
		t.Errorf("%s", a.text)
	}
	g.ask(ann, "DELETE", "/api/room/e", "").want(t, 204, "")
	g.ask(ann, "GET", "/api/room/e", "").want(t, 404, "no-place")
}

// It takes as long as those before and oneself need at the rate of the door.
func TestWhoWaitsIsToldForHowLong(t *testing.T) {
	s := newScene(t)
	s.rate = 2
	g := s.gate("one", true, nil)
	var last fan
	for n := range 60 {
		last = newFan(t, fmt.Sprintf("fan-%d", n)).at(fmt.Sprintf("203.0.113.%d", n))
		g.join(last).want(t, 200, "")
	}
	streamed := until(t, g.watch(last), func(_ string, s Standing) bool { return s.WaitSeconds != nil })
	for way, told := range map[string]Standing{"streamed": streamed, "asked": g.ask(last, "GET", "/api/room/e", "").want(t, 200, "").Standing} {
		if told.Is != room.Waiting || told.Ahead == nil || told.WaitSeconds == nil {
			t.Fatalf("%s: %+v", way, told)
		}
		// It is told in tenths.
		if want := float64(*told.Ahead+1) / s.rate; *told.Ahead == 0 || math.Abs(*told.WaitSeconds-want) > 0.1 {
			t.Errorf("%s: %d are before it, and it takes %g s, want %g", way, *told.Ahead, *told.WaitSeconds, want)
		}
	}
}

func TestTheStreamSaysWhyItEnds(t *testing.T) {
	s := newScene(t)
	s.onSale(time.Now().Add(time.Hour))
	g := s.gate("one", false, nil)
	ann := newFan(t, "ann")
	g.ask(ann, "GET", "/api/room/e/live", "").want(t, 404, "no-place")
	g.join(ann).want(t, 200, "")
	lines := g.watch(ann)
	until(t, lines, func(name string, s Standing) bool { return s.Is == room.Early })
	for range 2 {
		g.watch(ann)
	}
	if a := g.ask(ann, "GET", "/api/room/e/live", "").want(t, 429, "too-many-streams"); a.retry == "" {
		t.Error("it doesn't say when")
	}
	g.drain()
	if s := until(t, lines, func(name string, _ Standing) bool { return name == "end" }); s.Reason != "stopping" {
		t.Errorf("%+v", s)
	}
	if name, data := next(lines); name != "" {
		t.Errorf("after the end: %s %s", name, data)
	}
}

func TestWhoMayAsk(t *testing.T) {
	g := newScene(t).gate("one", false, nil)
	ann := newFan(t, "ann")
	for name, c := range map[string]struct {
		who    fan
		method string
		path   string
		body   string
		status int
		slug   string
	}{
		"nobody":            {ann.with("Authorization", ""), "POST", "/api/room/e", "", 401, "no-session"},
		"a forged session":  {ann.with("Authorization", "Bearer "+ann.session+"x"), "POST", "/api/room/e", "", 401, "no-session"},
		"an old session":    {signed(t, "ann", identity.Fan, 24*time.Hour), "POST", "/api/room/e", "", 401, "session-expired"},
		"an organiser":      {signed(t, "org", identity.Organiser, time.Minute), "POST", "/api/room/e", "", 403, "role"},
		"a door":            {signed(t, "door", identity.Door, time.Minute), "GET", "/api/room/e", "", 403, "role"},
		"another site":      {ann.with("Sec-Fetch-Site", "cross-site"), "POST", "/api/room/e", "", 403, "cross-origin"},
		"for no event":      {ann, "POST", "/api/room/f", "", 404, "no-such-event"},
		"for nothing":       {ann, "POST", "/api/room/e/x", "", 404, "no-such-page"},
		"with an odd body":  {ann, "POST", "/api/room/e", `{"place":1}`, 400, "malformed"},
		"with two bodies":   {ann, "POST", "/api/room/e", `{}{}`, 400, "malformed"},
		"with a large body": {ann, "POST", "/api/room/e", fmt.Sprintf(`{"website":%5000q}`, "x"), 400, "malformed"},
		"before joining":    {ann, "GET", "/api/room/e", "", 404, "no-place"},
	} {
		t.Run(name, func(t *testing.T) { g.ask(c.who, c.method, c.path, c.body).want(t, c.status, c.slug) })
	}
	client := redis.Open(testenv.Addr(t, "redis"), g.namespace)
	defer client.Close(t.Context())
	if head, err := client.Room().Head(t.Context(), "e"); err != nil || head.Waiting != 0 {
		t.Errorf("%+v, %v: nobody should wait", head, err)
	}
}

func TestWhoWaitsIsToldThatAllIsSoldAndThatItIsNot(t *testing.T) {
	s := newScene(t)
	s.rate = 0.001 // nobody's turn comes meanwhile
	g := s.gate("one", true, nil)
	ann := newFan(t, "ann")
	g.join(ann).want(t, 200, "")
	lines := g.watch(ann)
	until(t, lines, func(_ string, s Standing) bool { return s.Is == room.Waiting && !s.SoldOut })
	s.sell(true)
	told := until(t, lines, func(_ string, s Standing) bool { return s.SoldOut })
	if told.Is != room.Waiting || told.Ahead == nil || told.WaitSeconds != nil {
		t.Errorf("%+v, want a place, and no estimate where nobody is let in", told)
	}
	if a := g.ask(ann, "GET", "/api/room/e", "").want(t, 200, ""); !a.SoldOut {
		t.Errorf("%s", a.text)
	}
	s.sell(false)
	until(t, lines, func(_ string, s Standing) bool { return s.Is == room.Waiting && !s.SoldOut })
}

func TestNobodyWaitsForWhatIsOver(t *testing.T) {
	s := newScene(t)
	s.event.Starts = time.Now().Add(-time.Second)
	s.gate("one", false, nil).join(newFan(t, "ann")).want(t, 410, "over")
}

func TestWithoutRedisItSaysSoAndPlacesAreKept(t *testing.T) {
	s := newScene(t)
	s.onSale(time.Now().Add(time.Hour))
	g := s.gate("one", false, nil)
	ann := newFan(t, "ann")
	g.join(ann).want(t, 200, "")
	lines := g.watch(ann)
	until(t, lines, func(_ string, s Standing) bool { return s.Is == room.Early })
	s.redis.Cut()
	for _, a := range []answer{g.join(ann), g.ask(ann, "GET", "/api/room/e", ""), g.ask(ann, "DELETE", "/api/room/e", "")} {
		if a.want(t, 503, "unavailable").retry != "2" {
			t.Errorf("retry after %q", a.retry)
		}
	}
	until(t, lines, func(_ string, s Standing) bool { return s.Stale })
	if err := s.redis.Mend(); err != nil {
		t.Fatal(err)
	}
	until(t, lines, func(_ string, s Standing) bool { return s.Is == room.Early && !s.Stale })
	g.ask(ann, "GET", "/api/room/e", "").want(t, 200, "")
}
