package clicks

import (
	"errors"
	"sync"
	"time"

	"designkits/cases/shortener"
)

// An Update is what has been added to one minute of a link since the last one:
// the increments of its parts, merged.
type Update struct {
	Code   shortener.Code `json:"code"`
	Minute time.Time      `json:"minute"`
	Counts
	// By breaks the counts down, as in Stats.
	By map[Dimension]map[string]Counts `json:"by"`
}

// ErrTooManyWatchers is returned when no more can watch.
var ErrTooManyWatchers = errors.New("too many pages are watching, try again later")

// Bounds of what is kept for those who watch.
const (
	maxWatchers = 1000
	// maxPending is how many rows may wait for one watcher. More means that it
	// doesn't take them: it is cut off, and reads the counts anew when it is
	// back.
	maxPending = 2000
)

// Live hands increments to those who watch a link at the moment. Nothing is
// kept for those who come later or were too slow: the counts in the StatsStore
// are the truth, and a page reads them whenever it connects.
type Live struct {
	mu       sync.Mutex
	watchers map[shortener.Code]map[*Watcher]struct{}
	count    int
}

// NewLive returns a Live that nobody watches yet.
func NewLive() *Live { return &Live{watchers: map[shortener.Code]map[*Watcher]struct{}{}} }

// A Watcher is one page that watches one link.
type Watcher struct {
	live *Live
	code shortener.Code

	// Guarded by live.mu:
	pending map[time.Time]*Update
	rows    int
	slow    bool
}

// Watch returns a watcher of a link. It must be closed.
func (l *Live) Watch(code shortener.Code) (*Watcher, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count >= maxWatchers {
		return nil, ErrTooManyWatchers
	}
	w := &Watcher{live: l, code: code, pending: map[time.Time]*Update{}}
	if l.watchers[code] == nil {
		l.watchers[code] = map[*Watcher]struct{}{}
	}
	l.watchers[code][w] = struct{}{}
	l.count++
	return w, nil
}

// Publish hands increments to whoever watches their links. It never waits.
func (l *Live) Publish(batch []Positioned) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range batch {
		for w := range l.watchers[p.Code] {
			w.add(p.Increment)
		}
	}
}

// Watchers is how many are watching.
func (l *Live) Watchers() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

func (w *Watcher) add(in Increment) {
	if w.rows >= maxPending {
		w.slow = true
		return
	}
	w.rows++
	update := w.pending[in.Minute]
	if update == nil {
		update = &Update{Code: in.Code, Minute: in.Minute, By: map[Dimension]map[string]Counts{}}
		w.pending[in.Minute] = update
	}
	if in.Dimension == Total {
		update.Add(in.Counts)
		return
	}
	if update.By[in.Dimension] == nil {
		update.By[in.Dimension] = map[string]Counts{}
	}
	sum := update.By[in.Dimension][in.Value]
	sum.Add(in.Counts)
	update.By[in.Dimension][in.Value] = sum
}

// Take returns what has come since the last Take, merged by minute, and false
// when the watcher was too slow and has missed something.
func (w *Watcher) Take() (updates []*Update, complete bool) {
	w.live.mu.Lock()
	defer w.live.mu.Unlock()
	for _, update := range w.pending {
		updates = append(updates, update)
	}
	clear(w.pending)
	w.rows = 0
	return updates, !w.slow
}

// Close ends the watching.
func (w *Watcher) Close() {
	w.live.mu.Lock()
	defer w.live.mu.Unlock()
	if _, open := w.live.watchers[w.code][w]; !open {
		return
	}
	w.live.count--
	delete(w.live.watchers[w.code], w)
	if len(w.live.watchers[w.code]) == 0 {
		delete(w.live.watchers, w.code)
	}
}
