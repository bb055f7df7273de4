package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sync/errgroup"

	harness "designkits/shared/bench"
	"designkits/shared/rig"
)

var idle = harness.Bench{
	Name:  "idle-connection",
	About: "memory of an idle connection at 15,000, against a bare server with gorilla's default upgrader and two goroutines a connection",
	Run: func(ctx context.Context, r *harness.Run) error {
		n := 15_000 // a process may have 20,000 descriptors here
		if r.Quick {
			n = 2000
		}
		var bytes [3]idleMemory
		for i, side := range []struct{ program, path string }{{"bare", "/echo"}, {"bare", "/tuned"}, {"echo", "/echo"}} {
			var err error
			if bytes[i], err = measureIdle(ctx, r, side.program, side.path, n); err != nil {
				return fmt.Errorf("%s%s: %w", side.program, side.path, err)
			}
			r.Logf("%s%s: %s", side.program, side.path, bytes[i].note())
		}
		bare, tuned, ours := bytes[0], bytes[1], bytes[2]
		r.Report(harness.Result{Name: "idle-connection", Unit: "KB", Value: ours.each(), Baseline: bare.each(), Note: ours.note()}, harness.RatioAtMost(0.5))
		r.Report(harness.Result{Name: "idle-connection-tuned", Unit: "KB", Value: ours.each(), Baseline: tuned.each(),
			Note: "the bare server with small, shared buffers and one goroutine a connection"}, harness.None)
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

// measureIdle connects to a server, lets it come to rest, and reads its memory.
// Afterwards every hundredth connection must still carry a message.
func measureIdle(ctx context.Context, r *harness.Run, program, path string, n int) (m idleMemory, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	p, err := rig.StartProgram(ctx, ".", "./bench/"+program, nil)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, p.Stop(context.WithoutCancel(ctx))) }()
	if m.before, err = p.RSS(); err != nil {
		return m, err
	}
	c := crowd{url: "ws://" + p.Addr + path}
	defer c.close()
	if err := c.connect(ctx, n); err != nil {
		return m, err
	}
	m.connections = len(c.all)
	select {
	case <-time.After(r.For(10 * time.Second)): // the connections are to be idle, not new
	case <-ctx.Done():
		return m, ctx.Err()
	}
	if m.after, err = p.RSS(); err != nil {
		return m, err
	}
	return m, c.speak(100)
}

// A crowd is clients that are connected and read what they get.
type crowd struct {
	url string

	mu      sync.Mutex
	all     []*websocket.Conn
	got     chan string
	reading sync.WaitGroup
}

// connect opens connections from several addresses of this machine, each of which
// has ports for 28,000.
func (c *crowd) connect(ctx context.Context, n int) error {
	c.got = make(chan string, n)
	var buffers sync.Pool
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(32)
	for i := range n {
		all.Go(func() error {
			from := &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+i%8))}
			dialer := websocket.Dialer{NetDialContext: (&net.Dialer{LocalAddr: from}).DialContext, HandshakeTimeout: 30 * time.Second,
				ReadBufferSize: 256, WriteBufferSize: 256, WriteBufferPool: &buffers}
			conn, _, err := dialer.DialContext(ctx, c.url, nil)
			if err != nil {
				return fmt.Errorf("connection %d of %d: %w", i+1, n, err)
			}
			c.mu.Lock()
			c.all = append(c.all, conn)
			c.mu.Unlock()
			c.reading.Go(func() { c.read(conn) })
			return nil
		})
	}
	return all.Wait()
}

// read takes what comes, and answers pings, until the connection ends.
func (c *crowd) read(conn *websocket.Conn) {
	for {
		_, text, err := conn.ReadMessage()
		if err != nil {
			return
		}
		c.got <- string(text)
	}
}

// speak has every nth say something, and waits for all echoes.
func (c *crowd) speak(nth int) error {
	missing := map[string]bool{}
	for i := 0; i < len(c.all); i += nth {
		text := strconv.Itoa(i)
		missing[text] = true
		if err := c.all[i].WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			return fmt.Errorf("connection %d has ended: %w", i, err)
		}
	}
	deadline := time.After(20 * time.Second)
	for len(missing) > 0 {
		select {
		case text := <-c.got:
			delete(missing, text)
		case <-deadline:
			return fmt.Errorf("%d connections don't answer", len(missing))
		}
	}
	return nil
}

func (c *crowd) close() {
	for _, conn := range c.all {
		_ = conn.Close() // nothing is asked of it any more
	}
	c.reading.Wait()
}
