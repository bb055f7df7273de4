package demo

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"designkits/cases/shortener/clicks"
	"designkits/cases/shortener/client"
)

func someLinks(n int) []client.Link {
	links := make([]client.Link, n)
	for i := range links {
		links[i].Code = fmt.Sprintf("code%03d", i)
	}
	return links
}

func TestThePlanIsZipfAndTheSameForTheSameSeed(t *testing.T) {
	planned, err := plan(someLinks(300), 500, 20*time.Second, 7)
	if err != nil {
		t.Fatal(err)
	}
	again, err := plan(someLinks(300), 500, 20*time.Second, 7)
	if err != nil {
		t.Fatal(err)
	}
	perLink := map[string]int{}
	bots := 0
	for i, c := range planned {
		if again[i].code != c.code || again[i].referrer != c.referrer {
			t.Fatalf("click %d differs between two plans of one seed", i)
		}
		if i > 0 && c.at <= planned[i-1].at {
			t.Fatalf("click %d is not after the one before it", i)
		}
		perLink[c.code]++
		if c.visitor.bot {
			bots++
		}
	}
	if len(planned) != 10000 {
		t.Errorf("%d clicks, want 500/s for 20 s", len(planned))
	}
	if share := float64(bots) / float64(len(planned)); share < botShare-0.02 || share > botShare+0.02 {
		t.Errorf("%.3f of the clicks are by bots, want about %.2f", share, botShare)
	}
	counts := slices.Sorted(maps.Values(perLink))
	if top := counts[len(counts)-1]; top < len(planned)/10 {
		t.Errorf("the most popular of 300 links has %d of %d clicks: that is no Zipf", top, len(planned))
	}
	if perLink["code299"] != 0 {
		t.Error("the last link is in the plan, but another step follows it")
	}
}

// answered returns stats that are what was sent.
func answered(e *expectation) clicks.Stats {
	total := e.total
	total.Visitors = int64(len(e.visitors))
	return clicks.Stats{Total: total, Series: []clicks.Point{{Counts: total}},
		By: map[clicks.Dimension]map[string]clicks.Counts{
			clicks.Referrer: maps.Clone(e.byReferrer), clicks.Country: maps.Clone(e.byCountry)}}
}

func TestEveryDifferenceIsFound(t *testing.T) {
	sent := newTally()
	alice, crawler := &visitor{country: "FI"}, &visitor{bot: true}
	sent.add(click{code: "a", visitor: alice, referrer: "lobste.rs"})
	sent.add(click{code: "a", visitor: alice})
	sent.add(click{code: "a", visitor: crawler})
	e := sent.links["a"]
	if d := e.difference("a", answered(e), true); d != "" {
		t.Fatalf("what was sent differs from itself: %s", d)
	}
	for name, spoil := range map[string]func(*clicks.Stats){
		"a click too few":          func(s *clicks.Stats) { s.Total.Clicks-- },
		"a bot taken for a person": func(s *clicks.Stats) { s.Total.Clicks++; s.Total.Bots-- },
		"a visitor counted twice":  func(s *clicks.Stats) { s.Total.Visitors++; s.Series[0].Visitors++ },
		"a series that is short":   func(s *clicks.Stats) { s.Series = nil },
		"another referrer": func(s *clicks.Stats) {
			s.By[clicks.Referrer] = map[string]clicks.Counts{"": e.total}
		},
		"no countries": func(s *clicks.Stats) { delete(s.By, clicks.Country) },
	} {
		got := answered(e)
		spoil(&got)
		if e.difference("a", got, true) == "" {
			t.Errorf("%s was not found", name)
		}
	}
}

func TestTheBandIsOnlyForClicksWithoutAnAnswer(t *testing.T) {
	sent := newTally()
	for range 1000 {
		sent.add(click{code: "a", visitor: &visitor{}})
	}
	of := func(n int64) census {
		return census{counted: map[string]clicks.Counts{"a": {Clicks: n}}}
	}
	short := of(999)
	short.differs = map[string]string{"a": "/a: counted 999"}
	if err := sent.judge(short); err == nil || !strings.Contains(err.Error(), "999") {
		t.Errorf("one click is missing and nothing went wrong, but the verdict is %v", err)
	}
	sent.unanswered = 3
	if err := sent.judge(of(1003)); err != nil {
		t.Errorf("3 tries went unanswered, 1003 of 1000 are counted: %v", err)
	}
	if sent.judge(of(1004)) == nil {
		t.Error("3 tries went unanswered, 1004 of 1000 are counted, and nothing was said")
	}
	if sent.judge(short) == nil {
		t.Error("a click is missing though every replica lived, and nothing was said")
	}
	sent.replicaDied, sent.perSecond = true, 100
	if err := sent.judge(short); err != nil {
		t.Errorf("a replica died: %v", err)
	}
	if sent.judge(of(899)) == nil {
		t.Error("more than a second's clicks are missing, and nothing was said")
	}
}
