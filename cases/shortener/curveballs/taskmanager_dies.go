package curveballs

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/shortener/clicks"
	"designkits/shared/curveball"
	"designkits/shared/fault"
	"designkits/shared/rig"
)

// commitEvery is the pause between two commits of counts here: long, so that
// there is always something that is counted and not committed.
const commitEvery = 6 * time.Second

// TaskManagerDies is the stream job's worker that dies between two commits.
var TaskManagerDies = curveball.Experiment{
	Name:       "taskmanager-dies",
	Question:   "Flink's TaskManager, the worker that runs the job, is killed in the middle of a window. Is a click lost, or does one count twice?",
	Hypothesis: "Neither: the job starts again at its last checkpoint, and what it had written since was never committed.",
	Answer: `A checkpoint holds the place in the click log, the windows that are open, and the transaction in which
the increments were written, all three as of one moment. After the kill the job reads again from
there and writes the same increments again; the first ones are in a transaction that is aborted, and
the reader of increments asks for committed records only ([Increments](adapters/kafka/increments.go)). Forget that one
setting and everything is still green, until a worker dies. The price is freshness: a count is seen when
its checkpoint completes, twice a second. (Here once in six seconds, so that there is always something
that is written and not committed; how many count twice hangs on that.)`,
	Expect: curveball.Bands{
		curveball.AtMost("clicks counted twice", "", 0),
		curveball.AtMost("clicks lost", "", 0),
	},
	Control: curveball.With("increments read before they are committed", "READ_UNCOMMITTED", "true"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		kit, err := fault.Open()
		if err != nil {
			return err
		}
		s, err := start(ctx, t, rig.Options{Env: map[string]string{"CHECKPOINT_EVERY": commitEvery.String()}})
		if err != nil {
			return err
		}
		links, err := s.links(ctx, 50)
		if err != nil {
			return err
		}
		if err := s.committed(ctx, time.Minute); err != nil { // the job is there
			return err
		}
		var both errgroup.Group
		both.Go(func() error {
			_, err := s.click(ctx, "clicks", 100, 20*time.Second, links...)
			return err
		})
		both.Go(func() error {
			if err := t.Wait(ctx, 3*time.Second); err != nil {
				return err
			}
			if err := s.committed(ctx, 4*commitEvery); err != nil {
				return err
			}
			// Windows of a second have closed since, and no commit is due yet.
			if err := t.Wait(ctx, commitEvery/2); err != nil {
				return err
			}
			return t.Break(ctx, "the TaskManager is killed", with(kit.Kill, "flink/taskmanager"), with(kit.Restart, "flink/taskmanager"))
		})
		if err := both.Wait(); err != nil {
			return err
		}
		if err := t.Mend(ctx); err != nil {
			return err
		}
		if err := s.committed(ctx, 90*time.Second); err != nil { // it is back
			return err
		}
		c, err := s.counted(ctx)
		t.Figure("clicks counted twice", float64(c.twice))
		t.Figure("clicks lost", float64(c.lost))
		return err
	},
}

// committed returns when the stream job has committed its counts the next time.
func (s *site) committed(ctx context.Context, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	every := time.NewTicker(200 * time.Millisecond)
	defer every.Stop()
	began := time.Now()
	for {
		var p clicks.Pipeline
		err := s.Do(ctx, http.MethodGet, "/api/pipeline", nil, &p)
		if err == nil && p.Committed.After(began) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the stream job commits nothing within %s: it is %s, %s", within, p.Job, p.Reason)
		case <-every.C:
		}
	}
}
