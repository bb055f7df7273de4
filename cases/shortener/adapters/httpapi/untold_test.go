package httpapi_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"designkits/shared/testenv"

	"designkits/cases/shortener"
)

// Redis is away and as many changes wait for it as may. One more is refused before
// anything is done, and can be made once those that waited are told.
func TestNoMoreIsChangedThanCanWaitToBeTold(t *testing.T) {
	s := newScene(t)
	o := options{breaker: shortener.BreakerConfig{Deadline: 50 * time.Millisecond, OpenFor: time.Second}, untold: 2}
	one, two := s.replica(o), s.replica(o)
	key := one.newKey()
	var links []made
	for range 3 {
		links = append(links, one.create(key, `{"target":"https://example.com/before"}`))
		if at := two.location(links[len(links)-1].Code); at != "https://example.com/before" { // held there from now on
			t.Fatal(at)
		}
	}
	last, free := links[2], alias("free")
	change := func(l made) answer {
		return one.do(call{method: "PATCH", path: "/api/links/" + l.Code, key: key, body: fmt.Sprintf(`{"target":"https://example.com/%s"}`, l.Code)})
	}
	claim := call{method: "POST", path: "/api/links", key: key, body: fmt.Sprintf(`{"target":"https://example.com/claimed","alias":%q}`, free)}

	s.redis.Cut()
	for i, l := range links[:2] {
		if a := change(l); a.status != http.StatusOK || one.system.Publisher.Waiting() != i+1 {
			t.Fatalf("change %d without Redis: %d %s, and %d wait", i, a.status, a.body, one.system.Publisher.Waiting())
		}
	}
	for what, a := range map[string]answer{
		"a change":   change(last),
		"a deletion": one.do(call{method: "DELETE", path: "/api/links/" + last.Code, key: key}),
		"a claim":    one.do(claim),
	} {
		if a.status != http.StatusServiceUnavailable || a.problem(t).Type != "/problems/busy" || a.header.Get("Retry-After") != "1" {
			t.Errorf("%s too many: %d, Retry-After %q: %s", what, a.status, a.header.Get("Retry-After"), a.body)
		}
	}
	var stored made
	one.do(call{method: "GET", path: "/api/links/" + last.Code, key: key}).into(t, &stored)
	if at := one.location(free); stored.Target != "https://example.com/before" || at != "404" {
		t.Errorf("what was refused was done: the link leads to %s, the alias to %s", stored.Target, at)
	}
	one.create(key, `{"target":"https://example.com/new"}`) // nobody has to be told of it

	if err := s.redis.Mend(); err != nil {
		t.Fatal(err)
	}
	for what, again := range map[string]func() bool{
		"the change": func() bool { return change(last).status == http.StatusOK },
		"the claim":  func() bool { return one.do(claim).status == http.StatusCreated },
	} {
		testenv.Eventually(t, 30*time.Second, what+" is taken", again)
	}
	testenv.Eventually(t, 30*time.Second, "nothing waits", func() bool { return one.system.Publisher.Waiting() == 0 })
	testenv.Eventually(t, 30*time.Second, "changes are heard", two.system.Changes.Live)
	for _, l := range links {
		testenv.Eventually(t, 30*time.Second, "the other replica follows", func() bool { return two.location(l.Code) == "https://example.com/"+l.Code })
	}
	if at := two.location(free); at != "https://example.com/claimed" {
		t.Errorf("the claimed alias leads to %s", at)
	}
}
