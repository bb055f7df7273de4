package session

import (
	"context"
	"time"
)

const (
	refreshEvery = RouteFor / 3
	refreshBatch = 500
)

// refresh has the routes hold on, until the context ends.
func (h *Hub) refresh(ctx context.Context) error {
	ticker := time.NewTicker(refreshEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			h.Refresh(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

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
	routes := make([]Route, len(sessions))
	for i, s := range sessions {
		routes[i] = s.route()
		s.stalled(now)
	}
	standings, err := h.cfg.Routes.Refresh(ctx, routes)
	if err != nil {
		h.cfg.Log.Warn("routes are refreshed later", "count", len(routes), "error", err.Error())
		return
	}
	for i, standing := range standings {
		switch standing {
		case Lost:
			sessions[i].again()
		case Replaced, Revoked:
			sessions[i].end(standing)
		}
	}
}
