package curveballs

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/tickets"
	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// HotSection is a section that everybody wants.
var HotSection = curveball.Experiment{
	Name:       "hot-section",
	Question:   "64 pairs want to sit in the circle, all in the same moment. It has room for 64. How often is somebody told \"taken\" while there is room?",
	Hypothesis: "Hardly ever: who lets us choose is given seats that nobody else is being given.",
	Answer: `Whoever looks at the map in the same moment sees the same free seats and takes the same best ones; all but
one are refused, look again, and collide again: for n people that is n²/2 tries. So the page asks for "the
best two", and the replica chooses ([Propose](seatmap/propose.go)): what it has proposed to one it keeps from the
others until that is decided, which costs nothing, since it is in its memory. Two replicas can still propose the same,
and then one tries the next; the script in Redis decides. (A few pairs get none: choosing from the
middle leaves single seats at the ends.) One event is one hash slot, and that
is well: a claim of many seats must be one step.`,
	Expect: curveball.Bands{
		curveball.AtMost("told \"taken\", per pair that holds seats", "", 0.5),
		curveball.AtLeast("pairs that hold seats, of 64", "", 58),
	},
	Control: curveball.With("seats that people choose on the map", "choice", "map"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := start(ctx, t, rig.Options{})
		if err != nil {
			return err
		}
		const event, pairs, inRow = "hot", 64, 16
		if err := s.open(ctx, event, nil); err != nil {
			return err
		}
		began := time.Now()
		var refusals, got atomic.Int64
		var all errgroup.Group
		for range pairs {
			all.Go(func() error {
				fan, err := s.a(ctx, "fan")
				if err != nil {
					return err
				}
				for n := 0; n < pairs; n++ { // the front first, as everybody does
					wish := map[string]any{"best": map[string]any{"seats": 2, "section": "circle"}}
					if t.Option("choice", "best") == "map" {
						row, place := n/inRow, 1+2*(n%inRow)
						wish = map[string]any{"seats": []tickets.SeatID{
							tickets.SeatID(fmt.Sprintf("circle/%c/%d", 'A'+row, place)), tickets.SeatID(fmt.Sprintf("circle/%c/%d", 'A'+row, place+1)),
						}}
					}
					_, err := fan.wish(ctx, event, wish)
					switch {
					case err == nil:
						got.Add(1)
						return nil
					case refused(err, "none-left"): // side by side
						return nil
					case refused(err, "seats-taken"):
						refusals.Add(1)
					default:
						return err
					}
				}
				return nil
			})
		}
		if err := errors.Join(all.Wait(), ctx.Err()); err != nil {
			return err
		}
		t.Note("%d pairs hold seats after %.1f s; \"taken\" was said %d times", got.Load(), time.Since(began).Seconds(), refusals.Load())
		t.Figure("told \"taken\", per pair that holds seats", float64(refusals.Load())/float64(max(got.Load(), 1)))
		t.Figure("pairs that hold seats, of 64", float64(got.Load()))
		return nil
	},
}
