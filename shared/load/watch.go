package load

import (
	"math"
	"slices"
	"sync"
	"time"
)

// settle is how long after its end a second is told of: most of its answers have
// come by then.
const settle = 200 * time.Millisecond

// A watch is the seconds of all workers so far, for Plan.Watch.
type watch struct {
	tell    func(second int, so Second)
	planned int // seconds

	mu      sync.Mutex
	seconds []Second
	told    []Second // only follow's
}

func newWatch(p Plan) *watch {
	return &watch{tell: p.Watch, planned: int(math.Ceil(p.For.Seconds()))}
}

func (w *watch) add(second int, took time.Duration, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seconds = count(w.seconds, second, took, err)
}

// follow tells of each second that is over, and at the end of what is left.
func (w *watch) follow(from time.Time, ended <-chan struct{}) {
	next := time.NewTimer(time.Until(from.Add(time.Second + settle)))
	defer next.Stop()
	for over := 1; ; over++ {
		select {
		case <-next.C:
			w.catchUp(min(over, w.planned))
			next.Reset(time.Until(from.Add(time.Duration(over+1)*time.Second + settle)))
		case <-ended:
			w.catchUp(len(w.seconds)) // nobody adds to them any more
			return
		}
	}
}

// catchUp tells of what has changed. The first over seconds are told of even when
// nothing has come back yet: silence is what a stall looks like.
func (w *watch) catchUp(over int) {
	w.mu.Lock()
	now := slices.Clone(w.seconds)
	w.mu.Unlock()
	for i := range over {
		so := Second{}
		if i < len(now) {
			so = now[i]
		}
		if i == len(w.told) {
			w.told = append(w.told, so)
		} else if w.told[i] == so {
			continue
		}
		w.told[i] = so
		w.tell(i, so)
	}
}
