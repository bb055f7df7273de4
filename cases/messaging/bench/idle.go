package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging/crowd"
	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/wire"
	harness "designkits/shared/bench"
	"designkits/shared/rig"
)

var idle = harness.Bench{
	Name:  "idle-connection",
	About: "memory of an idle, signed-in connection at 15,000 in the gateway, against a bare server with gorilla's default upgrader and two goroutines a connection",
	Run: func(ctx context.Context, r *harness.Run) error {
		n := 15_000 // a process may have 20,000 descriptors here
		if r.Quick {
			n = 6000 // with 2,000, what the handshakes have left to be collected is as much as the connections
		}
		var bytes [3]idleMemory
		for i, measure := range []func() (idleMemory, error){
			func() (idleMemory, error) { return idleBare(ctx, r, "/echo", n) },
			func() (idleMemory, error) { return idleBare(ctx, r, "/tuned", n) },
			func() (idleMemory, error) { return idleGateway(ctx, r, n) },
		} {
			var err error
			if bytes[i], err = measure(); err != nil {
				return err
			}
			r.Logf("%s: %s", []string{"bare", "bare, tuned", "gateway"}[i], bytes[i].note())
		}
		bare, tuned, ours := bytes[0], bytes[1], bytes[2]
		r.Report(harness.Result{Name: "idle-connection", Unit: "kB", Value: ours.each(), Baseline: bare.each(), Note: ours.note()}, harness.RatioAtMost(0.5))
		r.Report(harness.Result{Name: "idle-connection-tuned", Unit: "kB", Value: ours.each(), Baseline: tuned.each(),
			Note: "the bare server with small, shared buffers and one goroutine a connection; it knows nobody"}, harness.None)
		return nil
	},
}

// An idleMemory is what a server had resident with connections and before.
type idleMemory struct {
	connections   int
	before, after int64 // bytes
}

func (m idleMemory) each() float64 {
	return float64(m.after-m.before) / float64(m.connections) / 1000
}

func (m idleMemory) note() string {
	return fmt.Sprintf("%.1f MB with %d connections, %.1f MB with none", float64(m.after)/1e6, m.connections, float64(m.before)/1e6)
}

func idleBare(ctx context.Context, r *harness.Run, path string, n int) (m idleMemory, err error) {
	p, err := rig.StartProgram(ctx, ".", "./bench/bare", nil)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, p.Stop(context.WithoutCancel(ctx))) }()
	c := idlers{url: "ws://" + p.Addr + path, frame: func(ref string) string { return ref },
		ref: func(frame []byte) string { return string(frame) }}
	return c.measure(ctx, r, n, p.RSS)
}

// idleGateway has every device sign in and catch up, as after the start of an app.
func idleGateway(ctx context.Context, r *harness.Run, n int) (m idleMemory, err error) {
	s, err := crowd.Open(ctx, rig.Options{})
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, s.Close(ctx)) }()
	c := idlers{url: "ws://" + s.Addr("gateway-1") + "/connect",
		protocols: func() []string { return []string{identity.Protocol, identity.Bearer(s.Token(crowd.Nobody()))} },
		frame:     func(ref string) string { return string(wire.Encode(wire.Resume{Ref: ref})) },
		ref: func(frame []byte) string {
			if is(frame, "current") {
				return member(frame, "ref")
			}
			return ""
		}}
	return c.measure(ctx, r, n, func() (int64, error) { return s.RSS("gateway-1") })
}

// idlers are clients that are connected and say next to nothing.
type idlers struct {
	url       string
	protocols func() []string                        // offered by the next; nil for none
	frame     func(ref string) string                // that is answered
	ref       func(frame []byte) (answeredTo string) // "" of other frames

	mu      sync.Mutex
	all     []*line
	got     chan string
	reading sync.WaitGroup
}

// measure connects, each to carry a message at once, lets the server come to
// rest, and reads its memory. Afterwards every hundredth must still carry one.
func (c *idlers) measure(ctx context.Context, r *harness.Run, n int, rss func() (int64, error)) (m idleMemory, err error) {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Minute)
	defer cancel()
	if m.before, err = rss(); err != nil {
		return m, err
	}
	defer c.close()
	if err := c.connect(ctx, n); err != nil {
		return m, err
	}
	m.connections = len(c.all)
	select {
	case <-time.After(r.For(15 * time.Second)): // the connections are to be idle, not new
	case <-ctx.Done():
		return m, ctx.Err()
	}
	if m.after, err = rss(); err != nil {
		return m, err
	}
	return m, c.speak(ctx, 0, 100)
}

// atOnce is how many are connected, or asked, before the first has to have its answer.
const atOnce = 300

// connect has each say something soon: the gateway closes who says nothing at first.
func (c *idlers) connect(ctx context.Context, n int) error {
	c.got = make(chan string, n)
	for begun := 0; begun < n; begun += atOnce {
		if err := c.dial(ctx, begun, min(begun+atOnce, n)); err != nil {
			return err
		}
		if err := c.speak(ctx, begun, 1); err != nil {
			return err
		}
	}
	return nil
}

func (c *idlers) dial(ctx context.Context, from, to int) error {
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(32)
	for i := from; i < to; i++ {
		all.Go(func() error {
			var protocols []string
			if c.protocols != nil {
				protocols = c.protocols()
			}
			l, err := dial(ctx, c.url, i, protocols...)
			if err != nil {
				return err
			}
			c.mu.Lock()
			c.all = append(c.all, l)
			c.mu.Unlock()
			c.reading.Go(func() {
				l.read(func(frame []byte) {
					if ref := c.ref(frame); ref != "" {
						c.got <- ref
					} else if is(frame, "error") && bytes.Contains(frame, []byte(`"again":true`)) { // a store was busy
						_ = l.send([]byte(c.frame(member(frame, "ref")))) // one that has ended is missed
					}
				})
			})
			return nil
		})
	}
	return all.Wait()
}

// speak has every nth say something, some hundreds at a time, and waits for all answers.
func (c *idlers) speak(ctx context.Context, from, nth int) error {
	missing := map[string]bool{}
	for i := from; i < len(c.all); i += nth {
		ref := strconv.Itoa(i)
		missing[ref] = true
		if err := c.all[i].send([]byte(c.frame(ref))); err != nil {
			return fmt.Errorf("connection %d has ended: %w", i, err)
		}
		if err := c.answered(ctx, missing, atOnce); err != nil {
			return err
		}
	}
	return c.answered(ctx, missing, 0)
}

// answered waits until no more than most are missing.
func (c *idlers) answered(ctx context.Context, missing map[string]bool, most int) error {
	for len(missing) > most {
		select {
		case ref := <-c.got:
			delete(missing, ref)
		case <-ctx.Done():
			return fmt.Errorf("%d connections don't answer: %w", len(missing), ctx.Err())
		}
	}
	return nil
}

func (c *idlers) close() {
	for _, l := range c.all {
		l.close()
	}
	c.reading.Wait()
}
