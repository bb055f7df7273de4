package curveballs

import (
	"context"
	"time"

	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// Viral is a link that is suddenly famous.
var Viral = curveball.Experiment{
	Name:       "viral",
	Question:   "One link goes viral: a hundred times its clicks from one second to the next. How much of that reaches the store?",
	Hypothesis: "Next to nothing: each replica reads the link once, and whoever asks meanwhile waits for that one read.",
	Answer: `Each replica reads the link once and holds it in process; callers that come while it reads share
that read ([Resolver](resolver.go), and a [test](resolver_test.go) of a thousand). So one hot key costs the store as much as a cold one, and no
node of Redis becomes a hot spot either. Clicks go into any partition, not into the link's, so the
click log has no hot one. What grows with the fame is the replicas' CPU, and they are stateless. (Here
nothing stays in Redis, and nobody has followed the famous link before: one replica knows it, since that
made it, and the other has to read it.)`,
	Expect: curveball.Bands{
		curveball.AtMost("reads of the store", "", 10),
		curveball.AtMost("failed redirects", "%", 0.5),
	},
	Control: curveball.With("every redirect read from Cassandra", "CACHE", "off"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		// Redis is left out of it: nothing stays there.
		s, err := start(ctx, t, rig.Options{Env: map[string]string{"SHARED_FOR": "1ms"}})
		if err != nil {
			return err
		}
		quiet, err := s.link(ctx, "https://example.com/quiet")
		if err != nil {
			return err
		}
		if _, err := s.click(ctx, "as ever", 5, 3*time.Second, quiet); err != nil {
			return err
		}
		// Another link, since that one is held by now and would show no read.
		link, err := s.link(ctx, "https://example.com/famous")
		if err != nil {
			return err
		}
		before, err := s.metric(ctx, "shortener_resolved_store_total")
		if err != nil {
			return err
		}
		r, err := s.click(ctx, "famous", 500, 8*time.Second, link)
		if err != nil {
			return err
		}
		after, err := s.metric(ctx, "shortener_resolved_store_total")
		t.Figure("reads of the store", after-before)
		t.Figure("failed redirects", 100*r.FailedShare())
		return err
	},
}
