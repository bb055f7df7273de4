package websocket_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"

	"designkits/cases/messaging/adapters/websocket"
)

// A client that reads nothing falls into resume mode, is told so once it reads,
// and goes on from there. Meanwhile everybody else gets everything.
func TestASlowClientHoldsUpNobodyAndCatchesUp(t *testing.T) {
	each(t, func(t *testing.T, config websocket.Config) {
		seen := &counts{}
		config.QueueFrames, config.Observer = 32, seen
		var mu sync.Mutex
		conns := map[string]*websocket.Conn{}
		s := newScene(t, config, func(r *http.Request) websocket.Session {
			name := r.Header.Get("Name")
			return opener(func(c *websocket.Conn) {
				mu.Lock()
				defer mu.Unlock()
				conns[name] = c
			})
		})
		as := func(name string) func(*gorilla.Dialer, http.Header) {
			return func(_ *gorilla.Dialer, h http.Header) { h.Set("Name", name) }
		}
		slow, quick := s.dial(as("slow")), s.dial(as("quick"))
		await(t, "both opened", func() bool { mu.Lock(); defer mu.Unlock(); return len(conns) == 2 })
		text := strings.Repeat("x", 64<<10)
		lagging := false
		for n := 0; !lagging; n++ {
			if n > 2000 {
				t.Fatal("128 MB went to a client that reads nothing")
			}
			frame := []byte(fmt.Sprintf("%d %s", n, text))
			switch err := conns["slow"].Send(frame); {
			case errors.Is(err, websocket.ErrLagging):
				lagging = true
			case err != nil:
				t.Fatal(err)
			}
			if err := conns["quick"].Send(frame); err != nil {
				t.Fatalf("to the quick client: %v", err)
			}
			if _, got, err := quick.ReadMessage(); err != nil || string(got) != string(frame) {
				t.Fatalf("the quick client gets %.20q, %v, want %.20q", got, err, frame)
			}
		}
		if err := conns["slow"].Send([]byte("not yet")); !errors.Is(err, websocket.ErrLagging) || !conns["slow"].Lagging() {
			t.Errorf("in resume mode: %v", err)
		}
		// What was under way comes in order, then the resume frame.
		for n := 0; ; n++ {
			_, got, err := slow.ReadMessage()
			if err != nil {
				t.Fatal(err)
			}
			if string(got) == resume {
				break
			}
			if number, _, _ := strings.Cut(string(got), " "); number != strconv.Itoa(n) {
				t.Fatalf("frame %d is number %s", n, number)
			}
		}
		conns["slow"].Resumed()
		if err := conns["slow"].Send([]byte("caught up")); err != nil {
			t.Fatal(err)
		}
		if _, got, err := slow.ReadMessage(); err != nil || string(got) != "caught up" {
			t.Errorf("%q, %v", got, err)
		}
		if n := seen.lagged.Load(); n != 1 {
			t.Errorf("counted %d clients that lag", n)
		}
	})
}

// Who takes nothing is ended, and the memory with it; so is who takes a byte now
// and then, to keep the memory.
func TestAClientThatHardlyTakesAnythingIsEnded(t *testing.T) {
	each(t, func(t *testing.T, config websocket.Config) {
		for _, drips := range []bool{false, true} {
			config.WriteTimeout = 200 * time.Millisecond
			var conn atomic.Pointer[websocket.Conn]
			s := newScene(t, config, func(*http.Request) websocket.Session { return opener(func(c *websocket.Conn) { conn.Store(c) }) })
			client := s.raw()
			await(t, "opened", func() bool { return conn.Load() != nil })
			text, some := []byte(strings.Repeat("x", 64<<10)), make([]byte, 1)
			await(t, "the connection's end", func() bool {
				err := conn.Load().Send(text)
				if errors.Is(err, websocket.ErrLagging) {
					conn.Load().Resumed() // and there is more
				}
				if drips {
					_, _ = client.Read(some) // of what was sent there is always more
				}
				return errors.Is(err, websocket.ErrClosed)
			})
			await(t, "forgotten", func() bool { return s.Connections() == 0 })
		}
	})
}

// A frame for many is the same for each, compressed or not.
func TestASharedFrameGoesToMany(t *testing.T) {
	opened := make(chan *websocket.Conn, 20)
	s := newScene(t, websocket.Config{}, func(*http.Request) websocket.Session { return opener(func(c *websocket.Conn) { opened <- c }) })
	var clients []*gorilla.Conn
	for n := range cap(opened) {
		clients = append(clients, s.dial(func(d *gorilla.Dialer, _ http.Header) { d.EnableCompression = n%2 == 0 }))
	}
	want := strings.Repeat("for all of you. ", 100)
	shared, err := websocket.Share([]byte(want))
	if err != nil {
		t.Fatal(err)
	}
	for range clients {
		if err := (<-opened).SendShared(shared); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range clients {
		if _, got, err := c.ReadMessage(); err != nil || string(got) != want {
			t.Fatalf("%.20q, %v", got, err)
		}
	}
}

// A session that blocks holds up its own connection only.
func TestASessionThatBlocksHoldsUpItsOwnClient(t *testing.T) {
	release := make(chan struct{})
	s := newScene(t, websocket.Config{Readers: 2}, func(*http.Request) websocket.Session {
		return &recorder{t: t, frame: func(c *websocket.Conn, text string) {
			if text == "block" {
				<-release
			}
			_ = c.Send([]byte(text)) // the test sees whether it came
		}}
	})
	blocked, beside := s.dial(), s.dial()
	for _, text := range []string{"block", "after it"} {
		if err := blocked.WriteMessage(gorilla.TextMessage, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		if err := beside.WriteMessage(gorilla.TextMessage, []byte("beside")); err != nil {
			t.Fatal(err)
		}
		if _, got, err := beside.ReadMessage(); err != nil || string(got) != "beside" {
			t.Fatalf("%q, %v", got, err)
		}
	}
	close(release)
	for _, want := range []string{"block", "after it"} {
		if _, got, err := blocked.ReadMessage(); err != nil || string(got) != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
}
