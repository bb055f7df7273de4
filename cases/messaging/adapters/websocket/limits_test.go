package websocket_test

import (
	"errors"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"

	"designkits/cases/messaging/adapters/websocket"
)

func TestSilence(t *testing.T) {
	each(t, func(t *testing.T, config websocket.Config) {
		t.Parallel() // most of it is waiting
		config.PingEvery = 100 * time.Millisecond
		t.Run("who answers pings stays", func(t *testing.T) {
			config := config
			config.IdleTimeout = 20 * time.Second // a busy machine may take a while to answer a ping
			s := newScene(t, config, echoes)
			c, began := s.dial(), time.Now()
			pings := 0
			answer := c.PingHandler()
			c.SetPingHandler(func(text string) error {
				if pings++; time.Since(began) > config.IdleTimeout+time.Second/2 {
					return errors.New("enough")
				}
				return answer(text)
			})
			if _, _, err := c.ReadMessage(); err == nil || err.Error() != "enough" {
				t.Errorf("%v after %d pings", err, pings)
			}
		})
		t.Run("who doesn't is ended", func(t *testing.T) {
			config := config
			config.IdleTimeout = time.Second
			s := newScene(t, config, echoes)
			conn := s.raw()
			for {
				op, _, err := readFrame(conn)
				if err == nil && op == gorilla.PingMessage {
					continue
				}
				if err == nil {
					t.Errorf("a frame of kind %d", op)
				}
				break
			}
			await(t, "forgotten", func() bool { return s.Connections() == 0 })
		})
	})
}

// A process that was frozen can't tell how long its clients were silent: what they have
// sent meanwhile, and its own pings, come only now.
func TestWhoWasSilentWhileThisProcessWasFrozenStays(t *testing.T) {
	var conn atomic.Pointer[websocket.Conn]
	s := newScene(t, websocket.Config{}, func(*http.Request) websocket.Session { return opener(func(c *websocket.Conn) { conn.Store(c) }) })
	s.dial()
	await(t, "opened", func() bool { return conn.Load() != nil })
	woke := time.Now().Add(time.Hour)
	conn.Load().Look(woke.Add(75*time.Second), woke)
	if err := conn.Load().Send([]byte("x")); err != nil {
		t.Errorf("frozen for an hour, it has ended who said nothing for that long: %v", err)
	}
	conn.Load().Look(woke.Add(76*time.Second), woke)
	await(t, "who says nothing afterwards either is ended", func() bool { return s.Connections() == 0 })
}

func TestAMessageThatIsNeverFinished(t *testing.T) {
	s := newScene(t, websocket.Config{MessageTimeout: 100 * time.Millisecond}, echoes)
	for name, begun := range map[string][]byte{"half a header": {0x81}, "half a frame": frame(true, 1, []byte("half"))[:8], "a fragment": frame(false, 1, nil)} {
		conn := s.raw()
		if _, err := conn.Write(begun); err != nil {
			t.Fatal(err)
		}
		op, payload, err := readFrame(conn)
		if err != nil || op != gorilla.CloseMessage || !strings.HasPrefix(string(payload), "\x03\xf0") {
			t.Errorf("%s: %d, %q, %v, want 1008", name, op, payload, err)
		}
	}
}

// A peer that doesn't answer the close frame can't keep the connection.
func TestAPeerThatNeverSaysGoodbye(t *testing.T) {
	each(t, func(t *testing.T, config websocket.Config) {
		config.CloseTimeout = 50 * time.Millisecond
		var conn atomic.Pointer[websocket.Conn]
		s := newScene(t, config, func(*http.Request) websocket.Session { return opener(func(c *websocket.Conn) { conn.Store(c) }) })
		s.raw()
		await(t, "opened", func() bool { return conn.Load() != nil })
		conn.Load().Close(websocket.CodeNormal, "")
		await(t, "forgotten", func() bool { return s.Connections() == 0 })
	})
}

// The point of the package: 2,000 connections, and not a goroutine more.
func TestIdleConnectionsHaveNoGoroutine(t *testing.T) {
	seen := &counts{}
	// No ping is among what is counted, however long all of it takes.
	s := newScene(t, websocket.Config{Observer: seen, PingEvery: time.Hour, IdleTimeout: time.Hour}, echoes)
	const connections = 2000
	s.dial() // what the HTTP server starts once, it has started
	var clients []*gorilla.Conn
	var mu sync.Mutex
	var dialing sync.WaitGroup
	for range 16 {
		dialing.Go(func() {
			for range connections / 16 {
				c, _, err := s.tryDial()
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				clients = append(clients, c)
				mu.Unlock()
			}
		})
	}
	dialing.Wait()
	defer func() {
		for _, c := range clients {
			_ = c.Close()
		}
	}()
	if n := s.Connections(); n != connections+1 {
		t.Fatalf("%d connections", n)
	}
	await(t, "goroutines of handshakes end", func() bool { return runtime.NumGoroutine() < 200 })
	for n, c := range clients {
		want := strconv.Itoa(n)
		if err := c.WriteMessage(gorilla.TextMessage, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.ReadMessage(); err != nil || string(got) != want {
			t.Fatalf("connection %d: %q, %v", n, got, err)
		}
	}
	if n := runtime.NumGoroutine(); n >= 200 {
		t.Errorf("%d goroutines", n)
	}
	if seen.opened.Load() != connections+1 || seen.got.Load() != connections || seen.sent.Load() != connections {
		t.Errorf("counted %d opened, %d received, %d sent", seen.opened.Load(), seen.got.Load(), seen.sent.Load())
	}
}
