package curveballs

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/shared/curveball"
	"designkits/shared/load"
	"designkits/shared/rig"
)

// CreateFlood is somebody who wants millions of links.
var CreateFlood = curveball.Experiment{
	Name:       "create-flood",
	Question:   "An attacker makes links as fast as the line allows. How many come of it, and who else notices?",
	Hypothesis: "The rate of the key and no more; other people's links are made and followed as ever.",
	Answer: `A key makes 50 requests a second and 10,000 links a day, charged in one script in Redis
([Limiter](adapters/redis/limiter.go)), so it holds over all replicas; an address gets 200 keys a day. What is refused is
refused before the store is asked, with Retry-After. Two million links a day from one address are
still possible here, since anybody can make a key; where keys belong to accounts that is the
account's limit. A botnet is slowed down, not stopped: its links are worth having only while they
lead somewhere, and that is what the checks of targets are for. (Here the limits are a fifth, a
fiftieth and a quarter of that; while Redis is too slow each replica limits for itself, so the bands allow for thrice.)`,
	Expect: curveball.Bands{
		curveball.AtMost("links made, of 2,000 asked for", "", 600),
		curveball.AtMost("links of a key that has 200 a day, of 4,000 asked for", "", 600),
		curveball.AtMost("keys given to one address, of 300 asked for", "", 150),
		curveball.AtMost("others' calls that failed", "%", 0.5),
	},
	Control: curveball.Without("limits", "LIMITS", "off"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := start(ctx, t, rig.Options{Env: map[string]string{
			"KEY_RATE": "10", "KEY_BURST": "50", "LINKS_PER_DAY": "200", "KEYS_PER_DAY": "50",
		}})
		if err != nil {
			return err
		}
		links, err := s.links(ctx, 40)
		if err != nil {
			return err
		}
		attacker, err := s.user(ctx)
		if err != nil {
			return err
		}
		var made, keys atomic.Int64
		counting := func(into *atomic.Int64) func(n, status int, _ []byte) error {
			return func(_, status int, _ []byte) error {
				switch status {
				case http.StatusCreated:
					into.Add(1)
				case http.StatusTooManyRequests:
				default:
					return fmt.Errorf("answered %d", status)
				}
				return nil
			}
		}
		attack := func(name string) error {
			body := []byte(`{"target":"https://example.com/spam"}`)
			header := append(person(1), [2]string{"Authorization", "Bearer " + attacker.Key}, [2]string{"Content-Type", "application/json"})
			_, err := t.Load(ctx, name, load.Plan{Rate: 200, For: 10 * time.Second, Workers: workers},
				load.HTTP(s.edge(), workers, func(int) load.Request {
					return load.Request{Method: http.MethodPost, Path: "/api/links", Header: header, Body: body}
				}, counting(&made)))
			return err
		}
		var others, makers *load.Result
		var all errgroup.Group
		all.Go(func() error { return attack("the attacker makes links") })
		all.Go(func() (err error) {
			others, err = s.click(ctx, "others follow links", 50, 10*time.Second, links...)
			return err
		})
		all.Go(func() (err error) {
			makers, err = t.Load(ctx, "others make links", load.Plan{Rate: 2, For: 10 * time.Second, Workers: 8},
				func(ctx context.Context, _, n int) error {
					_, err := s.link(ctx, fmt.Sprintf("https://example.com/%d", n))
					return err
				})
			return err
		})
		if err := all.Wait(); err != nil {
			return err
		}
		t.Figure("links made, of 2,000 asked for", float64(made.Load()))
		if err := attack("the attacker goes on"); err != nil {
			return err
		}
		t.Figure("links of a key that has 200 a day, of 4,000 asked for", float64(made.Load()))
		_, err = t.Load(ctx, "the attacker makes keys", load.Plan{Rate: 100, For: 3 * time.Second, Workers: workers},
			load.HTTP(s.edge(), workers, func(int) load.Request {
				return load.Request{Method: http.MethodPost, Path: "/api/keys", Header: person(2)}
			}, counting(&keys)))
		t.Figure("keys given to one address, of 300 asked for", float64(keys.Load()))
		t.Figure("others' calls that failed", 100*max(others.FailedShare(), makers.FailedShare()))
		t.Note("others' redirects: p99 %v; others' new links: p99 %v", others.Quantile(99), makers.Quantile(99))
		return err
	},
}
