package curveballs

import (
	"context"
	"net/http"
	"time"

	"designkits/cases/shortener/client"
	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// ClockGoesBack is a replica whose clock is an hour behind.
var ClockGoesBack = curveball.Experiment{
	Name:       "clock-goes-back",
	Question:   "The clock of one replica is an hour behind. What does it break?",
	Hypothesis: "No change is lost: the newer target wins wherever it was made.",
	Answer: `Nothing that is compared is compared by a replica's clock. A version is the one before plus one, not
a time; the store decides by conditional writes; the limits' clock is Redis's; a click that is an
hour old by its stamp is counted as late, into that hour. What does suffer is expiry: each replica
judges it by its own clock, so there an expired link lives an hour longer. The cure is an alert on
the clock's offset, not code.`,
	Expect: curveball.Bands{
		curveball.AtMost("changed links that lead to the old target, of 20", "", 0),
		curveball.AtMost("aliases that lead nowhere after a new claim, of 5", "", 0),
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
		behind, err := s.at("api-2")
		if err != nil {
			return err
		}
		var changed, claimed []client.Link
		for range 20 {
			link, err := shorten(ctx, right, map[string]any{"target": "https://example.com/old"})
			if err != nil {
				return err
			}
			changed = append(changed, link)
			if err := change(ctx, behind, link, map[string]any{"target": "https://example.com/new"}); err != nil {
				return err
			}
		}
		for _, alias := range []string{"clock-one", "clock-two", "clock-three", "clock-four", "clock-five"} {
			link, err := shorten(ctx, right, map[string]any{"target": "https://example.com/old", "alias": alias})
			if err != nil {
				return err
			}
			claimed = append(claimed, link)
			if err := right.Do(ctx, http.MethodDelete, "/api/links/"+alias, nil, nil); err != nil {
				return err
			}
			if _, err := shorten(ctx, behind, map[string]any{"target": "https://example.com/new", "alias": alias}); err != nil {
				return err
			}
		}
		if err := t.Wait(ctx, time.Second); err != nil { // what a change may take to be seen everywhere
			return err
		}
		wrong := func(links []client.Link) (n float64, err error) {
			for _, link := range links {
				for _, replica := range []*client.Client{right, behind} {
					_, location, err := replica.Follow(ctx, "/"+link.Code, http.Header{})
					if err != nil {
						return 0, err
					}
					if location != "https://example.com/new" {
						n++
						break
					}
				}
			}
			return n, nil
		}
		stale, err := wrong(changed)
		if err != nil {
			return err
		}
		nowhere, err := wrong(claimed)
		if err != nil {
			return err
		}
		t.Figure("changed links that lead to the old target, of 20", stale)
		t.Figure("aliases that lead nowhere after a new claim, of 5", nowhere)
		return nil
	},
}
