package session

import (
	"context"
	"slices"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/presence"
)

const (
	// refreshEvery is also that of heartbeats: less than presence.Grace, so that one
	// from where a device has gone undoes what is written late where it was.
	refreshEvery = RouteFor / 3
	refreshBatch = 500
)

// Refresh has the routes hold on now, and has devices catch up whose routes were
// lost.
func (h *Hub) Refresh(ctx context.Context) {
	all := h.all()
	for len(all) > 0 {
		n := min(len(all), refreshBatch)
		h.refreshSome(ctx, all[:n])
		all = all[n:]
	}
}

func (h *Hub) refreshSome(ctx context.Context, sessions []*Session) {
	ctx, cancel := context.WithTimeout(ctx, doWithin)
	defer cancel()
	now := time.Now()
	// One that enters has its route put by itself. Until then another's may stand there:
	// of where the device was, and that gateway may be dead.
	sessions = slices.DeleteFunc(slices.Clone(sessions), func(s *Session) bool { return s.routeIs() == notYet })
	routes := make([]Route, len(sessions))
	for i, s := range sessions {
		routes[i] = s.route()
		routes[i].Unknown = s.routeIs() == failed
		s.stalled(now)
	}
	standings, err := h.cfg.Routes.Refresh(ctx, routes)
	if err != nil {
		h.cfg.Log.Warn("routes are refreshed later", "count", len(routes), "error", err.Error())
		return
	}
	here := make([]messaging.Address, 0, len(sessions))
	for i, standing := range standings {
		switch standing {
		case Replaced, Revoked:
			sessions[i].end(standing)
			continue
		case Lost:
			sessions[i].routePut()
			sessions[i].again()
		}
		here = append(here, sessions[i].device)
	}
	h.sight(ctx, presence.Beat(now), here...)
}

func (s *Session) routeIs() routed {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.routed
}

func (s *Session) routePut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.routed = isPut
}
