package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/presence"
	"designkits/cases/messaging/wire"
)

const (
	tellEvery = 250 * time.Millisecond
	// lookEvery is how often those who are watched here are looked up: of the many who
	// are there few are watched, so asking for them is less than telling of each.
	lookEvery = 2 * time.Second
	// settingsEvery is how soon who hides is hidden from those who watch already.
	settingsEvery = 10 * time.Second
)

// watches are whom the devices that are connected here watch.
type watches struct {
	mu    sync.Mutex
	board *presence.Board
	asked map[messaging.Address]asked
}

// asked is the last Watch of a device that was followed, and by which settings: whose
// has changed since is watched anew, until that has succeeded.
type asked struct {
	frame    *wire.Watch
	settings map[messaging.UserID]presence.Privacy
}

// watch replaces whom the device watches: of those it asks for the ones that it may see.
func (s *Session) watch(ctx context.Context, f *wire.Watch) error {
	if len(f.Users) > presence.MaxWatched {
		return &messaging.Invalid{Field: "users", Reason: fmt.Sprintf("%d people; %d at most", len(f.Users), presence.MaxWatched)}
	}
	seen, settings, err := s.visible(ctx, f)
	if err != nil {
		return err
	}
	sighted, err := s.hub.cfg.Presence.Look(ctx, seen)
	if err != nil {
		return err
	}
	w := &s.hub.watches
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.hub.of(s.device) != s {
		return nil // it has gone meanwhile, and has dropped its watch
	}
	for _, u := range w.board.Watch(s.device, seen) {
		if slices.Contains(f.Users, u) { // who has hidden: what was told before is not so any more
			s.whisper(wire.Encode(wire.Presence{User: u}))
		}
	}
	for _, u := range seen {
		w.board.Sighted(u, sighted[u])
	}
	if w.asked[s.device] = (asked{f, settings}); len(f.Users) == 0 {
		delete(w.asked, s.device)
	}
	return nil
}

// visible are those of a Watch that show themselves to the device. That somebody is a
// contact the conversation says which is open, or the one of the two. The settings are
// those by which that was found out.
func (s *Session) visible(ctx context.Context, f *wire.Watch) (seen []messaging.UserID, settings map[messaging.UserID]presence.Privacy, err error) {
	for _, u := range f.Users {
		if !u.Valid() {
			return nil, nil, &messaging.Invalid{Field: "users", Reason: fmt.Sprintf("%.40q is nobody's account", u)}
		}
	}
	if f.Conversation != "" {
		if err := s.hub.known.member(ctx, f.Conversation, s.device.User); err != nil {
			return nil, nil, err
		}
	}
	settings, err = s.hub.cfg.Settings.Shown(ctx, f.Users)
	if err != nil {
		return nil, nil, err
	}
	shows := make([]bool, len(f.Users))
	each, ctx := errgroup.WithContext(ctx)
	each.SetLimit(8)
	for i, u := range f.Users {
		own, to := u == s.device.User, settings[u]
		if shows[i] = to.Shows(own, false); shows[i] || !to.Shows(own, true) {
			continue // it doesn't depend on whether they know each other
		}
		c := f.Conversation
		if c == "" {
			c = messaging.DirectID(s.device.User, u)
		}
		each.Go(func() error {
			err := s.hub.known.member(ctx, c, u)
			if shows[i] = err == nil; err == messaging.ErrNotMember {
				return nil
			}
			return err
		})
	}
	if err := each.Wait(); err != nil {
		return nil, nil, err
	}
	for i, u := range f.Users {
		if shows[i] {
			seen = append(seen, u)
		}
	}
	return seen, settings, nil
}

// unwatch forgets what a connection that has ended watched.
func (h *Hub) unwatch(a messaging.Address) {
	h.watches.mu.Lock()
	defer h.watches.mu.Unlock()
	h.watches.board.Watch(a, nil)
	delete(h.watches.asked, a)
}

// watchAgain has a device told once more: what it was told while it was quiet is lost.
func (h *Hub) watchAgain(a messaging.Address) {
	h.watches.mu.Lock()
	defer h.watches.mu.Unlock()
	h.watches.board.Again(a)
}

// tellWatchers tells who watches what has changed.
func (h *Hub) tellWatchers(context.Context) {
	h.watches.mu.Lock()
	told := h.watches.board.Tell(time.Now())
	h.watches.mu.Unlock()
	for _, t := range told {
		if s := h.of(t.To); s != nil {
			s.whisper(wire.Encode(wire.Presence{User: t.User, Online: t.Online, LastSeen: t.LastSeen}))
			h.Counts.Told.Add(1)
		}
	}
}

// look finds out how those stand who are watched.
func (h *Hub) look(ctx context.Context) {
	h.watches.mu.Lock()
	users := h.watches.board.Watched()
	h.watches.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, doWithin)
	defer cancel()
	sighted, err := h.cfg.Presence.Look(ctx, users)
	if err != nil {
		h.cfg.Log.Warn("who is there is looked up later", "people", len(users), "error", err.Error())
		return
	}
	h.watches.mu.Lock()
	defer h.watches.mu.Unlock()
	for _, u := range users {
		h.watches.board.Sighted(u, sighted[u])
	}
}

// heed follows the settings of those who are watched, or would be if they showed
// themselves: whose has changed is watched anew.
func (h *Hub) heed(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, doWithin)
	defer cancel()
	h.watches.mu.Lock()
	devices := maps.Clone(h.watches.asked)
	h.watches.mu.Unlock()
	var users []messaging.UserID
	for _, each := range devices {
		users = append(users, each.frame.Users...)
	}
	slices.Sort(users)
	users = slices.Compact(users)
	now, err := h.cfg.Settings.Shown(ctx, users)
	if err != nil {
		h.cfg.Log.Warn("whom people are shown to is looked up later", "people", len(users), "error", err.Error())
		return
	}
	for a, each := range devices {
		changed := func(u messaging.UserID) bool { return each.settings[u] != now[u] }
		if s := h.of(a); s != nil && slices.ContainsFunc(each.frame.Users, changed) {
			s.enqueue(watchAnew{}, 0)
		}
	}
}

// watchAnew is as if a device had sent its last Watch once more.
type watchAnew struct{}

func (s *Session) watchAnew(ctx context.Context) {
	s.hub.watches.mu.Lock()
	f := s.hub.watches.asked[s.device].frame
	s.hub.watches.mu.Unlock()
	if f == nil {
		return
	}
	err := s.watch(ctx, f)
	if errors.Is(err, messaging.ErrNotMember) { // of what was open: there it sees nobody any more
		err = s.watch(ctx, &wire.Watch{Users: f.Users})
	}
	if err != nil { // heed comes back to it
		s.hub.cfg.Log.Warn("who has changed whom they are shown to is watched anew later", "device", s.device.String(), "error", err.Error())
	}
}

// sight notes that devices are here, or one has gone. Nobody relies on it.
func (h *Hub) sight(ctx context.Context, s presence.Sighting, devices ...messaging.Address) {
	if err := h.cfg.Presence.Sight(ctx, devices, s); err != nil {
		h.cfg.Log.Debug("who is there isn't known", "devices", len(devices), "error", err.Error())
	}
}
