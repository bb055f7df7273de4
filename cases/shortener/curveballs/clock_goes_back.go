package curveballs

import (
	"context"
	"fmt"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/shortener/client"
	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// ClockGoesBack is a replica whose clock is put back by an hour under load.
var ClockGoesBack = curveball.Experiment{
	Name:       "clock-goes-back",
	Question:   "The clock of one replica is put back by an hour while people follow links. What does it break?",
	Hypothesis: "No change is lost, before the step or after it: the newer target wins wherever it was made.",
	Answer: `Nothing that is compared is compared by a replica's clock. A changed link's version is the one before plus one, not
a time; the store decides by conditional writes; the limits' clock is Redis's; a click that is an
hour old by its stamp is counted as late, into that hour. How long something has been held is not
asked of the clock either, but of a count that only goes forward (Elapsed of the
[Resolver](resolver.go)): by the time of day all that was read before the step would be fresh for an
hour. With the time for a version all is well until the step; then each change looks older than what
it changes. What does suffer is expiry: each replica judges it by its own clock, so there an expired
link lives an hour longer. The cure is an alert on the clock's offset, not code.`,
	Expect: curveball.Bands{
		curveball.AtMost("links changed after the step that lead to the old target, of 20", "", 0),
		curveball.AtMost("links changed before the step that lead to the old target, of 20", "", 0),
		curveball.AtMost("aliases that lead nowhere after a new claim, of 5", "", 0),
		curveball.AtMost("failed redirects", "%", 0.5),
	},
	Control: curveball.With("the clock for versions", "VERSIONS", "clock"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := startAPI(ctx, t, rig.Options{
			EnvOf: map[string]map[string]string{"api-2": {"CLOCK_OFFSET": "-1h"}},
		})
		if err != nil {
			return err
		}
		right, err := s.at("api-1")
		if err != nil {
			return err
		}
		stepping, err := s.at("api-2")
		if err != nil {
			return err
		}
		var links []client.Link
		for range 20 {
			link, err := shorten(ctx, right, map[string]any{"target": "https://example.com/old"})
			if err != nil {
				return err
			}
			links = append(links, link)
		}
		both, ctx := errgroup.WithContext(ctx)
		both.Go(func() error {
			r, err := s.clickAt(ctx, "people at the replica", s.Addr("api-2"), 100, 10*time.Second, links)
			if err == nil {
				t.Figure("failed redirects", 100*r.FailedShare())
			}
			return err
		})
		both.Go(func() error {
			old, err := changedAt(ctx, t, links, "https://example.com/before", stepping, right)
			if err != nil {
				return err
			}
			t.Figure("links changed before the step that lead to the old target, of 20", old)
			jump := func(context.Context) error { return s.Signal("api-2", syscall.SIGUSR1) }
			if err := t.Break(ctx, "the clock of api-2 goes back by an hour", jump, jump); err != nil {
				return err
			}
			if err := isBehind(ctx, t, stepping); err != nil {
				return err
			}
			if old, err = changedAt(ctx, t, links, "https://example.com/after", stepping, right); err != nil {
				return err
			}
			t.Figure("links changed after the step that lead to the old target, of 20", old)
			nowhere, err := claimedAnew(ctx, t, stepping, right)
			t.Figure("aliases that lead nowhere after a new claim, of 5", nowhere)
			return err
		})
		return both.Wait()
	},
}

// isBehind returns once what the replica makes is of the hour before.
func isBehind(ctx context.Context, t *curveball.Trial, replica *client.Client) error {
	for range 100 {
		link, err := shorten(ctx, replica, map[string]any{"target": "https://example.com/when"})
		if err != nil {
			return err
		}
		if time.Since(link.Created) > 30*time.Minute {
			return nil
		}
		if err := t.Wait(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("the clock of %s was told to jump and hasn't", replica.Page)
}

// changedAt changes all links at one replica, and counts those that lead somewhere
// else for good, at either.
func changedAt(ctx context.Context, t *curveball.Trial, links []client.Link, target string, at, other *client.Client) (old float64, err error) {
	for _, link := range links {
		if err := change(ctx, at, link, map[string]any{"target": target}); err != nil {
			return 0, err
		}
	}
	return elsewhere(ctx, t, links, target, at, other)
}

// claimedAnew has aliases deleted at the one replica and claimed again at the
// other, and counts those that don't lead to where the new owner wants.
func claimedAnew(ctx context.Context, t *curveball.Trial, at, other *client.Client) (nowhere float64, err error) {
	const target = "https://example.com/new"
	var claimed []client.Link
	for _, alias := range []string{"clock-one", "clock-two", "clock-three", "clock-four", "clock-five"} {
		if _, err := shorten(ctx, other, map[string]any{"target": "https://example.com/old", "alias": alias}); err != nil {
			return 0, err
		}
		if err := other.Do(ctx, http.MethodDelete, "/api/links/"+alias, nil, nil); err != nil {
			return 0, err
		}
		link, err := shorten(ctx, at, map[string]any{"target": target, "alias": alias})
		if err != nil {
			return 0, err
		}
		claimed = append(claimed, link)
	}
	return elsewhere(ctx, t, claimed, target, at, other)
}

// elsewhere counts the links that don't lead to the target at all replicas. A
// change is seen everywhere within a second, on a busy machine later: what still
// leads elsewhere after twenty was lost.
func elsewhere(ctx context.Context, t *curveball.Trial, links []client.Link, target string, replicas ...*client.Client) (n float64, err error) {
	for range 20 {
		// No sooner: each look at what leads nowhere is a guess to the gate.
		if err := t.Wait(ctx, time.Second); err != nil {
			return 0, err
		}
		var still []client.Link
		for _, link := range links {
			leads, err := leadsEverywhere(ctx, link, target, replicas)
			if err != nil {
				return 0, err
			}
			if !leads {
				still = append(still, link)
			}
		}
		if links = still; len(links) == 0 {
			break
		}
	}
	return float64(len(links)), nil
}

// leadsEverywhere reports whether a link leads to the target at all replicas.
func leadsEverywhere(ctx context.Context, link client.Link, target string, replicas []*client.Client) (bool, error) {
	for _, replica := range replicas {
		_, location, err := replica.Follow(ctx, "/"+link.Code, http.Header{})
		if err != nil || location != target {
			return false, err
		}
	}
	return true, nil
}
