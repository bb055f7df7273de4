package curveballs

import (
	"context"
	"time"

	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// PermanentAndBack is an owner who tries 301 and regrets it.
var PermanentAndBack = curveball.Experiment{
	Name:       "permanent-and-back",
	Question:   "A link goes from 302 to 301 and back, with another target. When do those who came meanwhile see it?",
	Hypothesis: "When the 301's age is over: it was sent with a bound, and the browser asks again after it.",
	Answer: `A browser that has seen a 301 follows it without asking, for as long as it was allowed to; without a
bound that is for good, whatever the server says later, since nobody asks the server. So our 301
carries max-age: a day, or what is left of the link's life. Going back to 302 is seen by new
visitors at once and by those who came meanwhile within that day. (Here the day takes five seconds.)
Clicks of that time are not counted at all.`,
	Expect: curveball.Bands{
		curveball.AtMost("browsers that never come back", "", 0),
		curveball.AtMost("new browsers that end at the old target", "", 0),
	},
	Control: curveball.With("301 without a bound", "PERMANENT_FOR", "0"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := start(ctx, t, rig.Options{Env: map[string]string{"PERMANENT_FOR": "5s"}})
		if err != nil {
			return err
		}
		visitor, err := startBrowser(t)
		if err != nil {
			return err
		}
		const before, after = "old.example", "new.example"
		link, err := s.link(ctx, "http://"+before+"/")
		if err != nil {
			return err
		}
		if err := change(ctx, s.Client, link, map[string]any{"permanent": true}); err != nil {
			return err
		}
		if _, err := visitor.open(link.Short); err != nil {
			return err
		}
		if err := change(ctx, s.Client, link, map[string]any{"permanent": false, "target": "http://" + after + "/"}); err != nil {
			return err
		}
		t.Note("302 again, with another target")
		if err := t.Wait(ctx, time.Second); err != nil {
			return err
		}
		stranger, err := startBrowser(t)
		if err != nil {
			return err
		}
		strays, lost := 0, 1
		if host, err := stranger.open(link.Short); err != nil {
			return err
		} else if host != after {
			strays++
		}
		for began := time.Now(); time.Since(began) < 15*time.Second && lost > 0; {
			host, err := visitor.open(link.Short)
			if err != nil {
				return err
			}
			if host == after {
				t.Note("the visitor of the 301 is sent to the new target")
				lost = 0
			} else if err := t.Wait(ctx, time.Second); err != nil {
				return err
			}
		}
		t.Figure("browsers that never come back", float64(lost))
		t.Figure("new browsers that end at the old target", float64(strays))
		return nil
	},
}
