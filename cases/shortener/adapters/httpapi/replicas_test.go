package httpapi_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"designkits/shared/testenv"

	"designkits/cases/shortener"
)

func TestTwoReplicasCreatingOneAliasAtOnce(t *testing.T) {
	s := newScene(t)
	one, two := s.replica(options{}), s.replica(options{})
	key := one.newKey()
	for round := range 5 {
		name := alias("race")
		statuses := make(map[int]int)
		var mu sync.Mutex
		var claims sync.WaitGroup
		for i, r := range []*replica{one, two, one, two} {
			claims.Go(func() {
				a, err := r.try(call{method: "POST", path: "/api/links", key: key, body: fmt.Sprintf(`{"target":"https://example.com/%d","alias":%q}`, i, name)})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				statuses[a.status]++
			})
		}
		claims.Wait()
		if statuses[201] != 1 || statuses[409] != 3 {
			t.Errorf("round %d: %v, want one 201 and three 409", round, statuses)
		}
		if a, b := one.location(name), two.location(name); a != b || !strings.HasPrefix(a, "https://example.com/") {
			t.Errorf("one replica leads to %s and the other to %s", a, b)
		}
	}
}

func TestChangesAreSeenByTheOtherReplicaWithinASecond(t *testing.T) {
	s := newScene(t)
	one, two := s.replica(options{}), s.replica(options{})
	key := one.newKey()
	const limit = time.Second
	var took []time.Duration
	seen := func(what, code, want string) {
		t.Helper()
		took = append(took, testenv.Eventually(t, 20*time.Second, what+" is seen", func() bool { return two.location(code) == want }))
	}
	for i := range 20 {
		name := alias("seen")
		if at := two.location(name); at != "404" { // held there as unknown from now on
			t.Fatal(at)
		}
		one.create(key, fmt.Sprintf(`{"target":"https://example.com/a%d","alias":%q}`, i, name))
		seen("a claimed alias", name, fmt.Sprintf("https://example.com/a%d", i))
		one.do(call{method: "PATCH", path: "/api/links/" + name, key: key, body: fmt.Sprintf(`{"target":"https://example.com/b%d"}`, i)})
		seen("a changed target", name, fmt.Sprintf("https://example.com/b%d", i))
		one.do(call{method: "DELETE", path: "/api/links/" + name, key: key})
		seen("a deleted link", name, "404")
		// The alias is free again, and its former life is over.
		one.create(key, fmt.Sprintf(`{"target":"https://example.com/c%d","alias":%q}`, i, name))
		seen("the next life of an alias", name, fmt.Sprintf("https://example.com/c%d", i))
	}
	slices.Sort(took)
	t.Logf("the slowest of 80 changes was seen after %s", took[79])
	if usual := took[71]; usual > limit { // a busy machine may have held up a few
		t.Errorf("nine of ten changes were seen within %s, want %s", usual, limit)
	}
}

// Redis goes away under load: nobody notices but the breaker, changes made
// meanwhile are seen within the stale limit, and everybody is told when it is
// back.
func TestRedirectsGoOnWithoutRedis(t *testing.T) {
	for name, fault := range map[string]func(t *testing.T, s *scene){
		"down": func(_ *testing.T, s *scene) { s.redis.Cut() },
		"slow": func(t *testing.T, s *scene) {
			if err := s.redis.Delay(2 * time.Second); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			o := options{breaker: shortener.BreakerConfig{Deadline: 50 * time.Millisecond, OpenFor: time.Second}}
			one, two := s.replica(o), s.replica(o)
			key := one.newKey()
			link := one.create(key, `{"target":"https://example.com/before"}`)
			var cold []string // in no replica's memory, but of the one that made them
			for i := range 30 {
				cold = append(cold, one.create(key, fmt.Sprintf(`{"target":"https://example.com/%d"}`, i)).Code)
			}
			if at := two.location(link.Code); at != "https://example.com/before" {
				t.Fatal(at)
			}

			fault(t, s)
			slowest := time.Duration(0)
			for i, code := range cold {
				began := time.Now()
				if at := two.location(code); at != fmt.Sprintf("https://example.com/%d", i) {
					t.Errorf("without Redis /%s leads to %s", code, at)
				}
				slowest = max(slowest, time.Since(began))
			}
			t.Logf("the slowest of %d redirects took %s", len(cold), slowest)
			var system struct{ Redis struct{ Breaker string } }
			two.do(call{method: "GET", path: "/api/system"}).into(t, &system)
			if state := system.Redis.Breaker; state == "closed" {
				t.Errorf("after %d redirects without Redis the breaker is %s", len(cold), state)
			}

			// A change that nobody could be told of.
			if a := one.do(call{method: "PATCH", path: "/api/links/" + link.Code, key: key, body: `{"target":"https://example.com/after"}`}); a.status != 200 {
				t.Fatalf("without Redis a link can't be changed: %d %s", a.status, a.body)
			}
			took := testenv.Eventually(t, 20*time.Second, "the change is seen", func() bool { return two.location(link.Code) == "https://example.com/after" })
			t.Logf("without Redis a change was seen after %s", took)
			if one.system.Publisher.Waiting() == 0 {
				t.Error("the change doesn't wait to be told")
			}

			if err := s.redis.Mend(); err != nil {
				t.Fatal(err)
			}
			testenv.Eventually(t, 30*time.Second, "the others are told", func() bool { return one.system.Publisher.Waiting() == 0 })
			testenv.Eventually(t, time.Minute, "the breaker closes", func() bool {
				for i := range 3 {
					two.location(fmt.Sprintf("probe-%d", i)) // something has to ask Redis
				}
				two.newKey()
				return two.system.Breaker.State() == "closed"
			})
			testenv.Eventually(t, 30*time.Second, "changes are heard", two.system.Changes.Live)
			if at := two.location(link.Code); at != "https://example.com/after" {
				t.Errorf("with Redis back it leads to %s", at)
			}
		})
	}
}

func TestLiveStreamComesThroughAndEnds(t *testing.T) {
	s := newScene(t)
	r := s.replica(options{})
	key := r.newKey()
	link := r.create(key, `{"target":"https://example.com/"}`)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+"/api/links/"+link.Code+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || kind != "text/event-stream" {
		t.Fatalf("%d %s", resp.StatusCode, kind)
	}
	lines := bufio.NewScanner(resp.Body)
	if !lines.Scan() || lines.Text() != "event: state" {
		t.Errorf("the first event is %q, %v", lines.Text(), lines.Err())
	}
	s.counts.CloseClientConnections() // analytics dies
	for lines.Scan() {
		if ctx.Err() != nil {
			t.Fatal("the stream outlives its source")
		}
	}
	s.counts.Close()
	a := r.do(call{method: "GET", path: "/api/pipeline"})
	if a.status != http.StatusServiceUnavailable || a.problem(t).Type != "/problems/counting-away" || a.header.Get("Retry-After") == "" {
		t.Errorf("without analytics: %d %s", a.status, a.body)
	}
}
