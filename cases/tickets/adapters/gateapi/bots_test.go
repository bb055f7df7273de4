package gateapi_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"designkits/cases/tickets/bots"
	"designkits/cases/tickets/room"
)

// proof does the work that an answer asks for.
func proof(t *testing.T, c bots.Challenge) string {
	t.Helper()
	p, ok := bots.Solve(c, t.Context().Done())
	if !ok {
		t.Fatal("not solved in time")
	}
	text, err := json.Marshal(map[string]any{"proof": p})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheSuspiciousWorkFirstOncePerPlace(t *testing.T) {
	g := newScene(t).gate("one", false, nil)
	program := func(name string) fan { return newFan(t, name).with("Accept-Language", "") } // a little suspicious
	bot, other := program("bot").at("203.0.113.1"), program("other").at("203.0.113.2")
	first := g.join(bot).want(t, 428, "work-first")
	if first.Challenge.Bits != 14 {
		t.Fatalf("%s", first.text)
	}
	g.ask(bot, "GET", "/api/room/e", "").want(t, 404, "no-place")
	solved := proof(t, first.Challenge)
	g.ask(other, "POST", "/api/room/e", solved).want(t, 428, "work-first")
	g.ask(bot, "POST", "/api/room/e", `{"proof":{"token":"`+first.Challenge.Token+`","solution":"x"}}`).want(t, 428, "work-first")
	if a := g.ask(bot, "POST", "/api/room/e", solved).want(t, 200, ""); a.Is != room.Waiting {
		t.Fatalf("%s", a.text)
	}
	g.ask(bot, "POST", "/api/room/e", solved).want(t, 200, "") // an answer got lost
	g.ask(bot, "DELETE", "/api/room/e", "").want(t, 204, "")
	g.ask(bot, "POST", "/api/room/e", solved).want(t, 428, "work-first")
}

func TestWhoFillsTheHiddenFieldWorksHard(t *testing.T) {
	g := newScene(t).gate("one", false, nil)
	if a := g.ask(newFan(t, "bot"), "POST", "/api/room/e", `{"website":"https://example.com"}`).want(t, 428, "work-first"); a.Challenge.Bits != 22 {
		t.Errorf("%s", a.text)
	}
}

func TestAFarmWorksAndACampusDoesNot(t *testing.T) {
	g := newScene(t).gate("one", false, nil)
	worked := func(address string, header func(n int) string) (n int) {
		for i := range 40 {
			f := newFan(t, fmt.Sprintf("%s-%d", address, i)).at(address).with("Accept-Language", header(i))
			if a := g.join(f); a.status == 428 {
				n++
			} else {
				a.want(t, 200, "")
			}
		}
		return n
	}
	if n := worked("203.0.113.3", func(int) string { return "en" }); n != 36 {
		t.Errorf("%d of 40 accounts of one machine have to work, want all but the first 4", n)
	}
	if n := worked("203.0.113.4", func(i int) string { return fmt.Sprintf("en;q=0.%d", 10+i) }); n != 0 {
		t.Errorf("%d of 40 people at one address have to work", n)
	}
}

func TestAnAccountThatAsksTooOftenIsToldSo(t *testing.T) {
	g := newScene(t).gate("one", false, nil)
	ann := newFan(t, "ann")
	for range bots.MostTries {
		if a := g.join(ann); a.status != 200 {
			t.Fatalf("%s", a.text)
		}
	}
	a := g.join(ann).want(t, 429, "too-many")
	if a.retry == "" || a.Challenge.Bits != 0 {
		t.Errorf("%q %s", a.retry, a.text)
	}
}
