package curveballs

import (
	"context"
	"time"

	"designkits/shared/curveball"
	"designkits/shared/fault"
	"designkits/shared/rig"
)

// slow is a redirect that a person would notice.
const slow = 250 * time.Millisecond

// RedisDies is Redis that dies in both ways: it falls silent, and it refuses.
var RedisDies = curveball.Experiment{
	Name:       "redis-dies",
	Question:   "Redis falls silent at peak, and later it is dead. Do people still get where they want to go?",
	Hypothesis: "Redirects go on from memory and Cassandra behind the breaker; hardly one is slow and no click is lost.",
	Answer: `A Redis that refuses is harmless; one that takes the connection and says nothing is what hurts,
since every caller waits. The [Breaker](breaker.go) waits 50 ms five times and then leaves Redis
alone for half a minute. Meanwhile links come from memory, re-read every second since no change can
be heard, and from Cassandra; limits are kept per replica. Redis holds nothing that is the only
copy, so nothing has to be restored.`,
	Expect: curveball.Bands{
		curveball.AtMost("slow redirects while Redis is silent", "%", 15),
		curveball.AtMost("failed redirects", "%", 0.5),
		curveball.AtMost("clicks lost", "", 0),
	},
	Control: curveball.Without("the breaker", "BREAKER", "off"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		kit, err := fault.Open()
		if err != nil {
			return err
		}
		s, err := start(ctx, t, rig.Options{})
		if err != nil {
			return err
		}
		links, err := s.links(ctx, 200)
		if err != nil {
			return err
		}
		if _, err := s.click(ctx, "as ever", 200, 3*time.Second, links...); err != nil {
			return err
		}
		if err := t.Break(ctx, "redis is frozen", with(kit.Pause, "redis"), with(kit.Resume, "redis")); err != nil {
			return err
		}
		silent, err := s.click(ctx, "Redis is silent", 200, 7*time.Second, links...)
		if err != nil {
			return err
		}
		if err := t.Mend(ctx); err != nil {
			return err
		}
		if err := t.Break(ctx, "redis is killed", with(kit.Kill, "redis"), with(kit.Restart, "redis")); err != nil {
			return err
		}
		dead, err := s.click(ctx, "Redis is dead", 200, 5*time.Second, links...)
		if err != nil {
			return err
		}
		if err := t.Mend(ctx); err != nil {
			return err
		}
		c, err := s.counted(ctx)
		t.Figure("slow redirects while Redis is silent", 100*silent.SlowerShare(slow))
		t.Figure("failed redirects", 100*max(silent.FailedShare(), dead.FailedShare()))
		t.Figure("clicks lost", float64(c.lost))
		return err
	},
}
