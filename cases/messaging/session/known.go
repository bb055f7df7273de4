package session

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"designkits/cases/messaging"
)

// A memo remembers answers for a while. Who asks for the same at the same time
// asks once.
type memo[V any] struct {
	lasts time.Duration
	// stays, when set, reports whether an answer is for good. It is kept for longer.
	stays   func(key string, value V) bool
	load    singleflight.Group
	mu      sync.Mutex
	answers map[string]answer[V]
}

type answer[V any] struct {
	value V
	until time.Time
}

const (
	// remembered is how many answers a memo keeps at most.
	remembered = 100_000
	// goodFor is how long those are kept that are for good.
	goodFor = 10 * time.Minute
)

func (m *memo[V]) get(ctx context.Context, key string, ask func(context.Context) (V, error)) (V, error) {
	now := time.Now()
	if value, ok := m.known(key, now); ok {
		return value, nil
	}
	// Not with this caller's end: others wait for the same.
	shared := m.load.DoChan(key, func() (any, error) {
		if value, ok := m.known(key, now); ok { // asked since by somebody who has gone
			return value, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), doWithin)
		defer cancel()
		value, err := ask(ctx)
		if err != nil {
			return value, err
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		if len(m.answers) >= remembered || m.answers == nil {
			m.answers = map[string]answer[V]{}
		}
		lasts := m.lasts
		if m.stays != nil && m.stays(key, value) {
			lasts = goodFor
		}
		m.answers[key] = answer[V]{value, now.Add(lasts)}
		return value, nil
	})
	var none V
	select {
	case done := <-shared:
		if done.Err != nil {
			return none, done.Err
		}
		return done.Val.(V), nil
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// known returns an answer that is remembered.
func (m *memo[V]) known(key string, now time.Time) (value V, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.answers[key]
	return a.value, ok && now.Before(a.until)
}

// known is what a gateway knows of conversations, of late.
type known struct {
	cfg      Config
	here     memo[bool]               // by conversation and person: is a member
	audience memo[[]messaging.UserID] // by conversation: whom to tell
	newest   fresh[messaging.Seq]     // by conversation

	mu   sync.Mutex
	last map[messaging.ConversationID]messaging.Seq // at least
}

func (k *known) init(cfg Config) {
	k.cfg = cfg
	k.here.lasts, k.audience.lasts = 5*time.Second, 5*time.Second
	// Of two people, once they are there, nobody comes and nobody goes.
	k.here.stays = func(key string, here bool) bool {
		return here && messaging.ConversationID(key).Kind() == messaging.Direct
	}
	k.audience.stays = func(key string, users []messaging.UserID) bool {
		return len(users) > 0 && messaging.ConversationID(key).Kind() == messaging.Direct
	}
	k.last = map[messaging.ConversationID]messaging.Seq{}
}

// learn remembers that a conversation has a message of that number.
func (k *known) learn(c messaging.ConversationID, s messaging.Seq) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s > k.last[c] {
		if len(k.last) >= remembered {
			clear(k.last) // they are asked for as they are needed
		}
		k.last[c] = s
	}
}

// has is nil if the conversation has a message of that number.
func (k *known) has(ctx context.Context, c messaging.ConversationID, s messaging.Seq) error {
	k.mu.Lock()
	last := k.last[c]
	k.mu.Unlock()
	if s <= last {
		return nil
	}
	last, err := k.ask(ctx, c)
	if err != nil {
		return err
	}
	if s > last {
		return &messaging.Invalid{Field: "seq", Reason: "the conversation has no message of this number"}
	}
	return nil
}

// ask reads the number of the newest message, 0 where there is none.
func (k *known) ask(ctx context.Context, c messaging.ConversationID) (messaging.Seq, error) {
	messages, err := k.cfg.History.Last(ctx, c, 1)
	if err != nil || len(messages) == 0 {
		return 0, err
	}
	k.learn(c, messages[0].Seq)
	return messages[0].Seq, nil
}

// newestOf is ask, shared by those who ask at the same time. It is never of before: a
// message that was stored since, and announced before this device could be found, is
// announced to it no more.
func (k *known) newestOf(ctx context.Context, c messaging.ConversationID) (messaging.Seq, error) {
	return k.newest.get(ctx, string(c), func(ctx context.Context) (messaging.Seq, error) { return k.ask(ctx, c) })
}

// member is nil for who was a member a few seconds ago, else ErrNotMember.
func (k *known) member(ctx context.Context, c messaging.ConversationID, u messaging.UserID) error {
	if !c.Valid() {
		return &messaging.Invalid{Field: "conversation", Reason: "this names none"}
	}
	here, err := k.here.get(ctx, string(c)+string(u), func(ctx context.Context) (bool, error) {
		m, err := k.cfg.Members.Membership(ctx, c, u)
		return m.Here(), err
	})
	if err == nil && !here {
		return messaging.ErrNotMember
	}
	return err
}

// others are the devices of all members but one, of a conversation that isn't too
// large to be told.
func (k *known) others(ctx context.Context, c messaging.ConversationID, but messaging.Address) ([]messaging.Address, error) {
	if c.Kind() == messaging.Channel {
		return nil, nil
	}
	users, err := k.audience.get(ctx, string(c), func(ctx context.Context) ([]messaging.UserID, error) {
		roster, err := k.cfg.Rosters.Roster(ctx, c)
		if err != nil || roster.Here() > k.cfg.TellUpTo {
			return nil, err
		}
		return roster.Users(), nil
	})
	if err != nil || len(users) == 0 {
		return nil, err
	}
	devices, err := k.cfg.Devices(ctx, users)
	addresses := make([]messaging.Address, 0, len(devices))
	for _, d := range devices {
		if d.Address != but {
			addresses = append(addresses, d.Address)
		}
	}
	return addresses, err
}
