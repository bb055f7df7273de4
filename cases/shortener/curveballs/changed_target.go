package curveballs

import (
	"context"
	"net/http"
	"time"

	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// ChangedTarget is a link that leads elsewhere once people have followed it.
var ChangedTarget = curveball.Experiment{
	Name:       "changed-target",
	Question:   "A link that many have followed gets another target. Who still ends up at the old one?",
	Hypothesis: "Nobody, a second later: not through any replica, and not in a browser that has been there.",
	Answer: `Three caches may know the old target: ours, the edge's, and the browser's. Ours and the edge are told
within a second, by version ([Publisher](publish.go)). The browser obeys headers: a 302 goes out as
"private, no-cache", so a browser asks each time, which is also what makes each click countable. A
301 is kept, and no purge reaches into a browser. That is why 302 is the default, and a 301 the
owner's choice, with a warning.`,
	Expect: curveball.Bands{
		curveball.AtMost("opens of a browser that end at the old target", "", 0),
		curveball.AtMost("redirects to the old target after a second", "", 0),
	},
	Control: curveball.With("301 for every link", "permanent", "yes"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		// An edge that keeps redirects, as a content delivery network does.
		s, err := start(ctx, t, rig.Options{Env: map[string]string{"EDGE_CACHE_FOR": "1m", "EDGE": "http://${nginx}"}})
		if err != nil {
			return err
		}
		b, err := startBrowser(t)
		if err != nil {
			return err
		}
		const before, after = "old.example", "new.example"
		inBrowser, past := 0, 0
		for range 5 {
			link, err := shorten(ctx, s.Client, map[string]any{"target": "http://" + before + "/", "permanent": t.Option("permanent", "no") == "yes"})
			if err != nil {
				return err
			}
			if _, err := b.open(link.Short); err != nil {
				return err
			}
			if err := change(ctx, s.Client, link, map[string]any{"target": "http://" + after + "/"}); err != nil {
				return err
			}
			if err := t.Wait(ctx, time.Second); err != nil {
				return err
			}
			if host, err := b.open(link.Short); err != nil {
				return err
			} else if host != after {
				inBrowser++
			}
			for range 10 { // the edge deals them out to all replicas
				_, location, err := s.Follow(ctx, "/"+link.Code, http.Header{})
				if err != nil {
					return err
				}
				if location != "http://"+after+"/" {
					past++
				}
			}
		}
		t.Figure("opens of a browser that end at the old target", float64(inBrowser))
		t.Figure("redirects to the old target after a second", float64(past))
		return nil
	},
}
