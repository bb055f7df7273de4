package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/tickets"
	"designkits/cases/tickets/client"
	"designkits/cases/tickets/venue"
	harness "designkits/shared/bench"
	"designkits/shared/load"
	"designkits/shared/rig"
)

// A delta is what a watcher is told, by the seats' numbers.
type delta struct {
	Free, Held []int
}

// A decoder decodes a text once for all who get the same: thousands of watchers
// share this process, and what each pays for its JSON is no cost of the sale's.
type decoder struct {
	mu   sync.Mutex
	text string
	last delta
}

func (d *decoder) decode(text []byte) (delta, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if string(text) == d.text {
		return d.last, nil
	}
	var fresh delta
	if err := json.Unmarshal(text, &fresh); err != nil {
		return delta{}, fmt.Errorf("a delta is %q: %w", text, err)
	}
	d.text, d.last = string(text), fresh
	return fresh, nil
}

// watch connects to an event's stream as a browser would, calls connected when
// the whole is there, and tell with each delta, until the context ends.
func watch(ctx context.Context, addr string, event tickets.EventID, decoder *decoder, connected func(), tell func(delta)) error {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("watch %s: %w", event, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // ends the read; closed twice is closed
	if _, err := io.WriteString(conn, "GET /api/events/"+string(event)+"/live HTTP/1.1\r\nHost: "+addr+"\r\n\r\n"); err != nil {
		return fmt.Errorf("watch %s: %w", event, err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || answer.StatusCode != http.StatusOK {
		return fmt.Errorf("watch %s: %v, %w", event, answer, err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20) // the whole is one line
	for kind := ""; lines.Scan(); {
		name, value, _ := bytes.Cut(lines.Bytes(), []byte(": "))
		switch {
		case string(name) == "event":
			kind = string(value)
		case string(name) == "data" && kind == "seats":
			connected()
		case string(name) == "data":
			d, err := decoder.decode(value)
			if err != nil {
				return fmt.Errorf("watch %s: %w", event, err)
			}
			tell(d)
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("watch %s: the stream has ended: %w", event, lines.Err())
}

// A show is booking with one event, and who watches it.
type show struct {
	hall     *venue.Venue
	event    tickets.EventID
	at, seen string // where holds are made, and where they are watched
	*client.Client
}

// withShow runs booking with an event in a hall while do runs.
func withShow(ctx context.Context, hall string, d time.Duration, do func(show) error) (err error) {
	s, err := openStore(ctx, 2)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	if err := s.sells(ctx, hall, false, d, "evening"); err != nil {
		return err
	}
	c, err := rig.Start(ctx, rig.Options{Namespace: s.namespace, Only: []string{"booking"}, Env: secrets})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop(context.WithoutCancel(ctx))) }()
	halls, err := venue.Shipped()
	if err != nil {
		return err
	}
	fans, err := client.New("http://" + c.Addr("booking-1"))
	if err != nil {
		return err
	}
	defer fans.Close()
	return do(show{halls[hall], "evening", c.Addr("booking-1"), c.Addr("booking-2"), fans})
}

// hold holds seats for a new fan.
func (s show) hold(ctx context.Context, seats []tickets.SeatID) (client.Hold, error) {
	return s.As(session()).Hold(ctx, s.event, client.NewKey(), "", client.Wish{Seats: seats})
}

var holdFreed = harness.Bench{
	Name:  "hold-freed",
	About: "from the end of a hold to a watcher's seeing its seats free, at another replica than held them",
	Run: func(ctx context.Context, r *harness.Run) error {
		return withShow(ctx, "hall", 10*time.Second, func(s show) error { return freed(ctx, r, s) })
	},
}

func freed(ctx context.Context, r *harness.Run, s show) error {
	blocks, err := blocksOf("hall")
	if err != nil {
		return err
	}
	plan := load.Plan{Rate: 40, For: r.For(20 * time.Second), Workers: workers}
	ctx, cancel := context.WithTimeout(ctx, plan.For+40*time.Second)
	defer cancel()
	watching, stop := context.WithCancel(ctx)
	defer stop()
	ready, all := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	seen, want := map[int]time.Time{}, -1
	var decoder decoder
	var watcher errgroup.Group
	watcher.Go(func() error {
		return watch(watching, s.seen, s.event, &decoder, sync.OnceFunc(func() { close(ready) }), func(d delta) {
			mu.Lock()
			defer mu.Unlock()
			for _, n := range d.Free {
				seen[n] = time.Now()
			}
			if want == len(seen) {
				close(all)
				want = -1
			}
		})
	})
	select {
	case <-ready:
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("the watcher isn't told the whole: %w", ctx.Err()), watcher.Wait())
	}
	ends := map[int]time.Time{}
	result, err := load.Run(ctx, plan, func(ctx context.Context, _, n int) error {
		hold, err := s.hold(ctx, blocks[n%len(blocks)])
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		for _, line := range hold.Seats {
			number, _ := s.hall.Number(line.Seat)
			ends[number] = hold.Until
		}
		return nil
	})
	if err != nil {
		return err
	}
	if result.Failed > 0 {
		return fmt.Errorf("%d holds failed: %v", result.Failed, result.Errors)
	}
	mu.Lock()
	want = len(ends)
	done := want == len(seen)
	mu.Unlock()
	if !done {
		select {
		case <-all:
		case <-ctx.Done():
			return fmt.Errorf("of %d seats only %d were seen free again: %w", len(ends), len(seen), ctx.Err())
		}
	}
	stop()
	if err := watcher.Wait(); err != nil {
		return err
	}
	var late []time.Duration
	for n, at := range ends {
		late = append(late, seen[n].Sub(at))
	}
	slices.Sort(late)
	r.Report(harness.Result{
		Name: "hold-freed", Value: late[len(late)*99/100].Seconds(), Unit: "s",
		Note: fmt.Sprintf("p99 of %d seats of %d holds, p50 %.0f ms; earliest %.0f ms", len(late), result.OK, ms(late[len(late)/2]), ms(late[0])),
	}, harness.AtMost(1))
	return nil
}

var mapDeltas = harness.Bench{
	Name:  "map-deltas",
	About: "from asking for a hold to each of 5,000 watchers' seeing it, at another replica than holds it",
	Run: func(ctx context.Context, r *harness.Run) error {
		watchers := 5000
		if r.Quick {
			watchers = 200
		}
		return withShow(ctx, "hall", 2*time.Minute, func(s show) error { return deltas(ctx, r, s, watchers) })
	},
}

func deltas(ctx context.Context, r *harness.Run, s show, watchers int) error {
	blocks, err := blocksOf("hall")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	asked := make([]atomic.Int64, len(s.hall.All())) // when, by the first seat
	var mu sync.Mutex
	var took []time.Duration
	var connected, told atomic.Int64
	news := make(chan struct{}, 1) // that a count has changed
	tell := func() {
		select {
		case news <- struct{}{}:
		default:
		}
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	all, watching := errgroup.WithContext(watching)
	var decoder decoder
	for range watchers {
		all.Go(func() error {
			var mine []time.Duration
			defer func() {
				mu.Lock()
				defer mu.Unlock()
				took = append(took, mine...)
			}()
			return watch(watching, s.seen, s.event, &decoder, sync.OnceFunc(func() { connected.Add(1); tell() }), func(d delta) {
				now := time.Now().UnixNano()
				for _, n := range d.Held {
					if at := asked[n].Load(); at != 0 {
						mine = append(mine, time.Duration(now-at))
						told.Add(1)
					}
				}
				tell()
			})
		})
	}
	await := func(count *atomic.Int64, want int) error {
		for count.Load() < int64(want) {
			select {
			case <-news:
			case <-watching.Done():
				return errors.Join(fmt.Errorf("%d of %d were told: %w", count.Load(), want, watching.Err()), all.Wait())
			}
		}
		return nil
	}
	if err := await(&connected, watchers); err != nil {
		return err
	}
	plan := load.Plan{Rate: 4, For: r.For(20 * time.Second), Workers: 8}
	result, err := load.Run(ctx, plan, func(ctx context.Context, _, n int) error {
		number, _ := s.hall.Number(blocks[n][0])
		asked[number].Store(time.Now().UnixNano())
		_, err := s.hold(ctx, blocks[n])
		return err
	})
	if err != nil {
		return err
	}
	if result.Failed > 0 {
		return fmt.Errorf("%d holds failed: %v", result.Failed, result.Errors)
	}
	if err := await(&told, watchers*int(result.OK)); err != nil {
		return err
	}
	stop()
	if err := all.Wait(); err != nil {
		return err
	}
	slices.Sort(took)
	r.Report(harness.Result{
		Name: "map-deltas", Value: ms(took[len(took)*99/100]), Unit: "ms",
		Note: fmt.Sprintf("p99 of %d holds seen by %d watchers, p50 %.0f ms; the hold itself is in it, and the watchers take their share of the machine", result.OK, watchers, ms(took[len(took)/2])),
	}, harness.AtMost(500))
	return nil
}
