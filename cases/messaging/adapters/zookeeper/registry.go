package zookeeper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-zookeeper/zk"

	"designkits/shared/pause"
)

// What is registered.
const (
	Gateways = "gateways"
	Chats    = "chats"
	Owners   = "owners" // of partitions: see Leases
)

// A Member is one that is registered. Of Owners the name is the partition's
// number in two digits.
type Member struct {
	Name    string `json:"-"`
	Owner   string `json:"owner,omitempty"` // of Owners: the chat process's name
	Address string `json:"address"`         // where it is reached: "127.0.0.1:8143"
}

const (
	// again is the pause before something is tried again that ZooKeeper refused.
	again = 200 * time.Millisecond
	// leaveWithin is how long is waited for ZooKeeper at the end, when it may be away: what
	// isn't taken back ends with the session.
	leaveWithin = 2 * time.Second
)

// Register keeps a member registered until ctx ends, and then takes it away. A
// name is one process's: one that is registered already is this one's before it
// was started again, whose session hasn't ended yet, and is replaced.
func (s *Session) Register(ctx context.Context, kind string, m Member) error {
	leave, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(leaveWithin, cancel) })()
	err := answered(leave, func() error {
		s.stay(ctx, kind, m)
		return s.conn.Delete(s.path(kind, m.Name), -1)
	})
	if err != nil && !errors.Is(err, zk.ErrNoNode) {
		s.cfg.Log.Debug("still registered until the session ends", "kind", kind, "name", m.Name, "error", err.Error())
	}
	return nil
}

// stay registers a member, anew with each session, until ctx ends.
func (s *Session) stay(ctx context.Context, kind string, m Member) {
	for ctx.Err() == nil {
		_, next := s.session()
		if err := s.register(kind, m); err != nil {
			s.cfg.Log.Warn("not registered for now", "kind", kind, "name", m.Name, "error", err.Error())
			pause.For(ctx, again)
			continue
		}
		select {
		case <-next: // the session has ended, and what it had made with it
		case <-ctx.Done():
		}
	}
}

func (s *Session) register(kind string, m Member) error {
	if err := s.ensure(kind); err != nil {
		return err
	}
	// Where the session is known only now, it has registered already: taken away and made
	// anew, the member would seem to have left.
	if _, stat, err := s.conn.Get(s.path(kind, m.Name)); err == nil && stat.EphemeralOwner == s.conn.SessionID() {
		return nil
	}
	_, _, err := s.occupy(s.path(kind, m.Name), m, func(Member) bool { return true })
	return err
}

// occupy makes an ephemeral znode of this session and returns its czxid, the
// number of the change that made it, which grows with every change that
// ZooKeeper has ever seen. One that is there already is removed first if it is
// this session's, or if stale says so of what it holds; else taken is false.
func (s *Session) occupy(path string, m Member, stale func(Member) bool) (czxid int64, taken bool, err error) {
	data, err := json.Marshal(m)
	if err != nil {
		return 0, false, fmt.Errorf("encode %s: %w", path, err)
	}
	for {
		_, err := s.conn.Create(path, data, zk.FlagEphemeral, zk.WorldACL(zk.PermAll))
		if err != nil && !errors.Is(err, zk.ErrNodeExists) {
			return 0, false, fmt.Errorf("zookeeper: create %s: %w", path, err)
		}
		created := err == nil
		held, stat, err := s.conn.Get(path)
		switch {
		case errors.Is(err, zk.ErrNoNode):
			continue // gone meanwhile
		case err != nil:
			return 0, false, fmt.Errorf("zookeeper: read %s: %w", path, err)
		case created && stat.EphemeralOwner == s.conn.SessionID():
			return stat.Czxid, true, nil
		}
		var by Member
		if err := json.Unmarshal(held, &by); err != nil {
			return 0, false, fmt.Errorf("zookeeper: read %s: %w", path, err)
		}
		if stat.EphemeralOwner != s.conn.SessionID() && !stale(by) {
			return 0, false, nil
		}
		if err := s.conn.Delete(path, stat.Version); err != nil && !errors.Is(err, zk.ErrNoNode) {
			return 0, false, fmt.Errorf("zookeeper: replace %s: %w", path, err)
		}
	}
}

// Watch calls changed with all members of a kind, by name, now and at each
// change, until ctx ends. While ZooKeeper is away who was there last counts.
func (s *Session) Watch(ctx context.Context, kind string, changed func([]Member)) error {
	for ctx.Err() == nil {
		members, change, err := s.members(kind)
		if err != nil {
			if !errors.Is(err, zk.ErrConnectionClosed) && !errors.Is(err, zk.ErrNoServer) {
				s.cfg.Log.Warn("changes are not seen for now", "kind", kind, "error", err.Error())
			}
			pause.For(ctx, again)
			continue
		}
		changed(members)
		select {
		case <-change: // or the session has ended, which is looked at anew as well
		case <-ctx.Done():
		}
	}
	return nil
}

func (s *Session) members(kind string) ([]Member, <-chan zk.Event, error) {
	names, _, change, err := s.conn.ChildrenW(s.path(kind))
	if errors.Is(err, zk.ErrNoNode) {
		if err := s.ensure(kind); err != nil {
			return nil, nil, err
		}
		names, _, change, err = s.conn.ChildrenW(s.path(kind))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("zookeeper: list %s: %w", kind, err)
	}
	slices.Sort(names)
	members := make([]Member, 0, len(names))
	for _, name := range names {
		data, _, err := s.conn.Get(s.path(kind, name))
		if errors.Is(err, zk.ErrNoNode) {
			continue // the watch has been told of that
		}
		if err != nil {
			return nil, nil, fmt.Errorf("zookeeper: read %s: %w", s.path(kind, name), err)
		}
		m := Member{Name: name}
		if err := json.Unmarshal(data, &m); err != nil {
			return nil, nil, fmt.Errorf("zookeeper: read %s: %w", s.path(kind, name), err)
		}
		members = append(members, m)
	}
	return members, change, nil
}
