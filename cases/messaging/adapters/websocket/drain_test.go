package websocket_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"

	"designkits/cases/messaging/adapters/websocket"
)

func TestDrainMovesEverybodyWithJitter(t *testing.T) {
	each(t, func(t *testing.T, config websocket.Config) {
		const clients = 40
		config.DrainWindow, config.RetryWithin = 300*time.Millisecond, time.Second
		s := newScene(t, config, echoes)
		type end struct {
			at     time.Time
			code   int
			reason string
		}
		ends := make(chan end, clients)
		for range clients {
			c := s.dial()
			go func() {
				for {
					if _, _, err := c.ReadMessage(); err != nil {
						var closed *gorilla.CloseError
						_ = errors.As(err, &closed)
						if closed == nil {
							closed = &gorilla.CloseError{Text: err.Error()}
						}
						ends <- end{time.Now(), closed.Code, closed.Text}
						return
					}
				}
			}()
		}
		begun := time.Now()
		if err := s.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := s.Connections(); n != 0 {
			t.Errorf("drained, there are %d connections", n)
		}
		waits, last := map[string]bool{}, time.Time{}
		for range clients {
			e := <-ends
			if e.code != gorilla.CloseServiceRestart || !strings.HasPrefix(e.reason, "retry-after-ms=") {
				t.Errorf("closed with %d, %s", e.code, e.reason)
			}
			waits[e.reason] = true
			if e.at.After(last) {
				last = e.at
			}
		}
		if len(waits) < clients/2 {
			t.Errorf("%d clients are to wait one of %d times", clients, len(waits))
		}
		if spread := last.Sub(begun); spread < config.DrainWindow*2/3 {
			t.Errorf("all were closed within %v", spread)
		}
		if _, res, err := s.tryDial(); err == nil || res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("a handshake while draining: %v, %v", res, err)
		}
	})
}

func TestDrainEndsWithItsContext(t *testing.T) {
	s := newScene(t, websocket.Config{DrainWindow: time.Hour}, echoes)
	s.dial()
	s.dial()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}
