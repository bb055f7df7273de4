package session_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/redis"
	"designkits/cases/messaging/session"
	"designkits/cases/messaging/wire"
	"designkits/shared/testenv"
)

// An entrance is routes of which the putting can be held up, or fail.
type entrance struct {
	*redis.Routes
	come chan struct{} // somebody is about to put

	mu   sync.Mutex
	hold chan struct{} // closed when they may
	away error
}

func (e *entrance) Put(ctx context.Context, r session.Route) (*session.Route, error) {
	e.mu.Lock()
	hold, away := e.hold, e.away
	e.mu.Unlock()
	select {
	case e.come <- struct{}{}:
	default: // nobody looks
	}
	if hold != nil {
		<-hold
	}
	if away != nil {
		return nil, away
	}
	return e.Routes.Put(ctx, r)
}

// A gateway has died, and its route of the device is still there when the routes of
// the one are refreshed at which the device is about to be, or couldn't be put.
func TestARouteOfBeforeEndsNobodyWhoComes(t *testing.T) {
	for _, c := range []struct {
		what string
		hold chan struct{}
		away error
	}{{"while it is being put", make(chan struct{}), nil}, {"when it couldn't be put", nil, errors.New("away")}} {
		t.Run(c.what, func(t *testing.T) {
			s := newStage(t)
			if _, err := s.routes.Routes.Put(t.Context(), session.Route{Device: s.device, Gateway: "dead", Number: 7}); err != nil {
				t.Fatal(err)
			}
			s.routes.mu.Lock()
			s.routes.hold, s.routes.away = c.hold, c.away
			s.routes.mu.Unlock()
			of, l := s.hub.New(s.device, ""), &line{}
			of.Opened(l)
			defer of.Closed()
			s.frame(of, wire.Resume{})
			<-s.routes.come
			s.hub.Refresh(t.Context())
			if c.hold != nil {
				close(c.hold)
			}
			testenv.Eventually(t, time.Minute, "it is current", func() bool { _, current := l.seqs(); return current })
			testenv.Eventually(t, time.Minute, "its route is known", func() bool {
				s.hub.Refresh(t.Context())
				places, err := s.routes.Of(t.Context(), []messaging.Address{s.device})
				return err == nil && len(places) == 1 && places[0].Gateway == "gateway-1"
			})
			if code := l.closed(); code != 0 {
				t.Errorf("it is closed with %d", code)
			}
		})
	}
}
