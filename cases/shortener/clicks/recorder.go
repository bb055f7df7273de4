package clicks

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"designkits/cases/shortener/clicks/spool"
)

// Times of the Recorder.
const (
	// takeEvery is the pause between two looks at the buffer: often, so that what
	// there is to do for each click never adds up to a pause that a redirect on
	// the same core would feel.
	takeEvery = 5 * time.Millisecond
	// flushEvery is how often what was taken goes on, into the log as one batch.
	flushEvery = 20 * time.Millisecond
	// appendWithin is how long a click that was taken may need to be in the log
	// before it is written to the spool.
	appendWithin = 75 * time.Millisecond
	// SafeWithin is how long after its redirect a click is in the log or on
	// disk, whatever happens to the log: it is what a kill -9 can cost, give or
	// take what the disk takes to sync.
	SafeWithin = takeEvery + flushEvery + appendWithin
	// replayWithin bounds the append of one batch out of the spool.
	replayWithin = 2 * time.Second
	// drainWithin bounds what a graceful stop does to empty the spool. What is
	// left stays on disk for the next start.
	drainWithin = 2 * time.Second
)

// replayBatch is how many spooled clicks are appended at once.
const replayBatch = 1000

// A Recorder takes clicks off the redirects and brings each into the click log
// at least once, in order: from a bounded buffer straight into the log, or by
// way of the spool on disk while the log is away or slow. Clicks that come
// while the spool isn't empty queue behind it.
//
// A redirect never waits for it: only when the buffer, and with it the log and
// the spool, can take no more is a click dropped, and counted as such.
type Recorder struct {
	log      ClickLog
	visitors *Visitors
	spool    *spool.Spool
	logger   *slog.Logger
	agents   *recent[Agent]
	hosts    *recent[string] // of referrers
	random   *bufio.Reader   // for ids: a call of the kernel for each would cost more than the rest

	buffer chan Visit

	// Of the goroutine in Run alone:
	held      []Click   // taken from the buffer, neither in the log nor in the spool
	heldSince time.Time // when the first of them was taken
	flight    *flight   // the append that is under way, if any
	failed    int       // appends that failed in a row
	retry     time.Time // no replay before

	recorded, appended, spooled, replayed, dropped, unreadable atomic.Int64
	spoolLen, spoolBytes                                       atomic.Int64
	problem                                                    atomic.Pointer[string]
}

// A flight is an append that is under way in a goroutine of its own.
type flight struct {
	clicks  []Click
	since   time.Time // when the first of them was taken from the buffer
	records [][]byte  // the same as the spool's oldest records, when they come from there
	givenUp bool      // the clicks are in the spool meanwhile
	done    chan error
	cancel  context.CancelFunc
}

func (f *flight) replay() bool { return f.records != nil }

// RecorderConfig says what a Recorder works with.
type RecorderConfig struct {
	Log      ClickLog
	Visitors *Visitors
	// SpoolDir is a folder of this process alone.
	SpoolDir string
	// SpoolBytes bounds the spool; 0 means 1 GiB.
	SpoolBytes int64
	// Buffer is how many clicks may wait in memory; 0 means 32,768.
	Buffer int
	Logger *slog.Logger
}

// NewRecorder opens the spool. Clicks may be recorded from now on, and Run must
// be called to bring them anywhere.
func NewRecorder(c RecorderConfig) (*Recorder, error) {
	if c.SpoolBytes == 0 {
		c.SpoolBytes = 1 << 30
	}
	if c.Buffer == 0 {
		c.Buffer = 32 << 10
	}
	disk, err := spool.Open(c.SpoolDir, spool.Limits{Bytes: c.SpoolBytes, Segment: 4 << 20})
	if err != nil {
		return nil, fmt.Errorf("open the click spool in %s (set SPOOL to a folder that can be written): %w", c.SpoolDir, err)
	}
	r := &Recorder{
		log: c.Log, visitors: c.Visitors, spool: disk, logger: c.Logger,
		agents: newRecent(Classify), hosts: newRecent(ReferrerHost), random: bufio.NewReader(rand.Reader), buffer: make(chan Visit, c.Buffer),
	}
	if n := disk.Len(); n > 0 || disk.Cut() > 0 {
		c.Logger.Info("clicks left in the spool are replayed", "clicks", n, "torn bytes cut off", disk.Cut())
	}
	r.measure()
	return r, nil
}

// Uncounted drops every click. What recording costs is measured against it.
type Uncounted struct{}

// Record does nothing.
func (Uncounted) Record(Visit) {}

// Record takes a click. It never blocks and may be called by any goroutine.
func (r *Recorder) Record(v Visit) {
	select {
	case r.buffer <- v:
		r.recorded.Add(1)
	default:
		r.dropped.Add(1)
	}
}

// Run brings clicks into the log until ctx ends; then it takes the rest out of
// the buffer, brings it into the log or the spool, and closes the spool.
// Nothing may be recorded any more once it has returned.
func (r *Recorder) Run(ctx context.Context) error {
	var salts sync.WaitGroup
	salts.Go(func() { _ = r.visitors.Run(ctx) }) // returns nil at ctx's end
	defer salts.Wait()

	work := context.WithoutCancel(ctx) // appends that are under way outlive ctx
	every := time.NewTicker(takeEvery)
	defer every.Stop()
	for flushed := time.Now(); ; {
		var landed chan error
		if r.flight != nil {
			landed = r.flight.done
		}
		select {
		case <-ctx.Done():
			return r.drain(work)
		case err := <-landed:
			r.land(work, err)
		case now := <-every.C:
			if now.Sub(flushed) < flushEvery {
				r.take()
				continue
			}
			flushed = now
			r.flush(work)
		}
		r.measure()
	}
}

// flush takes what is in the buffer one step further.
func (r *Recorder) flush(ctx context.Context) {
	r.take()
	switch direct := r.flight != nil && !r.flight.replay() && !r.flight.givenUp; {
	case direct && time.Since(r.flight.since) < appendWithin:
		// What is held waits for it.
	case direct:
		// Onto the disk with it, ahead of what came after it. Should it reach
		// the log all the same, the clicks' ids sort that out.
		r.flight.cancel()
		r.flight.givenUp = true
		r.held = append(r.flight.clicks, r.held...)
		r.spoolHeld()
	case r.flight == nil && r.spool.Len() == 0:
		r.appendHeld(ctx)
	case r.lastReplay() && time.Since(r.heldSince) < appendWithin/2:
		// What is held goes straight into the log as soon as that has landed.
	default:
		r.spoolHeld()
	}
	r.replay(ctx)
}

// lastReplay reports whether all that is in the spool is on its way.
func (r *Recorder) lastReplay() bool {
	return r.flight != nil && !r.flight.givenUp && int64(len(r.flight.records)) == r.spool.Len()
}

// take moves clicks from the buffer to held, unless what is held already could
// not be put anywhere.
func (r *Recorder) take() {
	if len(r.held) >= cap(r.buffer) {
		return
	}
	if len(r.held) == 0 {
		r.heldSince = time.Now()
	}
	for range len(r.buffer) {
		r.held = append(r.held, r.click(<-r.buffer))
	}
}

// appendHeld starts to append what is held straight to the log.
func (r *Recorder) appendHeld(ctx context.Context) {
	if len(r.held) > 0 {
		r.start(ctx, &flight{clicks: r.held, since: r.heldSince})
		r.held = nil
	}
}

// spoolHeld writes what is held to the spool. What can't be written stays held.
func (r *Recorder) spoolHeld() {
	if len(r.held) == 0 {
		return
	}
	records := make([][]byte, len(r.held))
	for i, click := range r.held {
		records[i] = click.AppendJSON(nil)
	}
	if err := r.spool.Append(records...); err != nil {
		r.note(err)
		return
	}
	r.spooled.Add(int64(len(r.held)))
	r.held = nil
}

// replay starts to append the oldest of the spool.
func (r *Recorder) replay(ctx context.Context) {
	if r.flight != nil || r.spool.Len() == 0 || time.Now().Before(r.retry) {
		return
	}
	records, err := r.spool.Peek(replayBatch)
	if err != nil {
		lost, skipErr := r.spool.Skip()
		r.unreadable.Add(lost)
		r.note(errors.Join(err, skipErr))
		return
	}
	f := &flight{records: records}
	for _, record := range records {
		var click Click
		if err := json.Unmarshal(record, &click); err != nil {
			r.unreadable.Add(1) // its checksum was right: another version wrote it
			r.note(fmt.Errorf("decode a spooled click: %w", err))
			continue
		}
		f.clicks = append(f.clicks, click)
	}
	r.start(ctx, f)
}

// start appends the flight's clicks to the log, in a goroutine that ends within
// replayWithin and reports to land.
func (r *Recorder) start(ctx context.Context, f *flight) {
	ctx, f.cancel = context.WithTimeout(ctx, replayWithin)
	f.done = make(chan error, 1)
	r.flight = f
	go func() { f.done <- r.log.Append(ctx, f.clicks) }()
}

// land deals with the end of the append that was under way.
func (r *Recorder) land(ctx context.Context, err error) {
	f := r.flight
	f.cancel()
	r.flight = nil
	switch {
	case f.givenUp: // its clicks come again out of the spool
	case err != nil:
		r.note(err)
		if !f.replay() {
			r.held = append(f.clicks, r.held...)
			r.spoolHeld()
		}
		r.failed++
		// The next try is soon: one that fails costs nobody anything.
		r.retry = time.Now().Add(min(time.Duration(r.failed)*100*time.Millisecond, time.Second))
	default:
		if f.replay() {
			r.replayed.Add(int64(len(f.clicks)))
			if err := r.spool.Drop(f.records); err != nil {
				r.note(err)
			}
		} else {
			r.appended.Add(int64(len(f.clicks)))
		}
		r.failed, r.retry = 0, time.Time{}
		r.problem.Store(nil)
		if r.spool.Len() == 0 {
			r.appendHeld(ctx)
		}
	}
	r.replay(ctx)
}

// drain ends the work: all that is left goes into the log or the spool.
func (r *Recorder) drain(ctx context.Context) error {
	deadline := time.NewTimer(drainWithin)
	defer deadline.Stop()
	every := time.NewTicker(flushEvery)
	defer every.Stop()
	r.flush(ctx)
	for timedOut := false; !timedOut && (r.flight != nil || len(r.buffer)+len(r.held) > 0 || r.spool.Len() > 0); {
		var landed chan error
		if r.flight != nil {
			landed = r.flight.done
		}
		select {
		case err := <-landed:
			r.land(ctx, err)
		case <-every.C:
			r.flush(ctx)
		case <-deadline.C:
			timedOut = true
		}
	}
	if r.flight != nil {
		r.retry = time.Now().Add(time.Hour) // no further replay
		r.flight.cancel()
		r.land(ctx, <-r.flight.done)
	}
	r.take()
	r.spoolHeld()
	r.measure()
	err := r.spool.Close()
	if n := len(r.held); n > 0 {
		r.dropped.Add(int64(n))
		err = errors.Join(err, fmt.Errorf("stop the recorder: %d clicks could be put neither into the log nor into the spool: %s", n, r.State().Problem))
	}
	return err
}

// note keeps what is wrong, for the page, and logs it where it is new.
func (r *Recorder) note(err error) {
	text := err.Error()
	if was := r.problem.Swap(&text); was == nil {
		r.logger.Warn("clicks don't get into the log for now", "error", text)
	}
}

func (r *Recorder) measure() {
	r.spoolLen.Store(r.spool.Len())
	r.spoolBytes.Store(r.spool.Bytes())
}

// RecorderState is how recording is doing since the process began.
type RecorderState struct {
	// Healthy says that clicks go straight into the log.
	Healthy bool   `json:"healthy"`
	Problem string `json:"problem,omitempty"`

	Recorded   int64 `json:"recorded"`   // taken from redirects
	Appended   int64 `json:"appended"`   // straight into the log
	Spooled    int64 `json:"spooled"`    // onto the disk
	Replayed   int64 `json:"replayed"`   // from the disk into the log
	Dropped    int64 `json:"dropped"`    // lost because all was full
	Unreadable int64 `json:"unreadable"` // lost because the disk gave back something else

	Waiting    int64 `json:"waiting"`    // on disk at the moment
	SpoolBytes int64 `json:"spoolBytes"` // what they take
}

// State returns the figures of the moment.
func (r *Recorder) State() RecorderState {
	s := RecorderState{
		Recorded: r.recorded.Load(), Appended: r.appended.Load(), Spooled: r.spooled.Load(),
		Replayed: r.replayed.Load(), Dropped: r.dropped.Load(), Unreadable: r.unreadable.Load(),
		Waiting: r.spoolLen.Load(), SpoolBytes: r.spoolBytes.Load(),
	}
	if problem := r.problem.Load(); problem != nil {
		s.Problem = *problem
	}
	s.Healthy = s.Problem == "" && s.Waiting == 0
	return s
}
