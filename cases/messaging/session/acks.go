package session

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/wire"
)

// acknowledge notes what the device has. The others are told soon, and it is stored
// together with what comes after it; when the gateway dies before, the device gets
// messages once more, which it knows by their numbers, and acknowledges them again.
func (s *Session) acknowledge(ctx context.Context, f *wire.Ack) error {
	if err := s.hub.known.member(ctx, f.Conversation, s.device.User); err != nil {
		if err = s.wasMember(ctx, f, err); err != nil {
			return err
		}
	}
	if f.Seq < 1 {
		return &messaging.Invalid{Field: "seq", Reason: "messages are numbered from 1"}
	}
	if err := s.hub.known.has(ctx, f.Conversation, f.Seq); err != nil {
		return err
	}
	r := messaging.Receipt{Conversation: f.Conversation, Device: s.device, Delivered: f.Seq}
	if f.Read {
		r.Read = f.Seq
	}
	if !s.hub.acks.add(r) {
		return messaging.ErrBusy
	}
	s.hub.tells.add(r) // without room for it they see it when they ask
	s.hub.Counts.Acknowledged.Add(1)
	s.mu.Lock()
	more := s.catchUp != nil && s.catchUp.acknowledged(f.Conversation, f.Seq)
	s.mu.Unlock()
	if more {
		s.next(ctx)
	}
	return nil
}

// wasMember lets somebody who has gone acknowledge what they had until then.
func (s *Session) wasMember(ctx context.Context, f *wire.Ack, not error) error {
	if not != messaging.ErrNotMember {
		return not
	}
	m, err := s.hub.cfg.Members.Membership(ctx, f.Conversation, s.device.User)
	if err == nil && !m.MayRead(f.Seq) {
		return messaging.ErrNotMember
	}
	return err
}

// acks are what is acknowledged and not told, or not stored, or not dropped from inboxes.
type acks struct {
	mu      sync.Mutex
	pending map[ackKey]messaging.Receipt
	some    chan struct{} // of one: there is something
}

type ackKey struct {
	device       messaging.Address
	conversation messaging.ConversationID
}

const (
	// tellPause is what is waited for more to come before others are told.
	tellPause = 200 * time.Millisecond
	// ackPause is the same before it is stored. fanout.Grace is longer.
	ackPause = time.Second
	// dropPause is the same before inboxes are cleared of what receipts say is there:
	// of a conversation in which one talks that is once for many messages.
	dropPause = 10 * time.Second
	// storedWithin bounds telling of it, since what comes next waits.
	storedWithin = 500 * time.Millisecond
	maxAcks      = 100_000
	ackLanes     = 16 // conversations that are looked up at once
)

func (a *acks) init() {
	a.pending = map[ackKey]messaging.Receipt{}
	a.some = make(chan struct{}, 1)
}

// add reports false when too many wait.
func (a *acks) add(r messaging.Receipt) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := ackKey{r.Device, r.Conversation}
	before, ok := a.pending[key]
	if !ok && len(a.pending) >= maxAcks {
		return false
	}
	r.Delivered, r.Read = max(r.Delivered, before.Delivered), max(r.Read, before.Read)
	a.pending[key] = r
	select {
	case a.some <- struct{}{}:
	default:
	}
	return true
}

func (a *acks) take() []messaging.Receipt {
	a.mu.Lock()
	defer a.mu.Unlock()
	receipts := make([]messaging.Receipt, 0, len(a.pending))
	for _, r := range a.pending {
		receipts = append(receipts, r)
	}
	a.pending = map[ackKey]messaging.Receipt{}
	return receipts
}

// follow does something with what comes, after a pause for more of it, until the
// context ends; then with what there still is.
func (a *acks) follow(ctx context.Context, pause, within time.Duration, do func(context.Context, []messaging.Receipt)) error {
	for {
		select {
		case <-a.some:
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), openWithin)
			defer cancel()
			do(last, a.take())
			return ctx.Err()
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			continue
		}
		each, cancel := context.WithTimeout(ctx, within)
		do(each, a.take())
		cancel()
	}
}

// store stores receipts. What can't be stored waits for the next time.
func (h *Hub) store(ctx context.Context, receipts []messaging.Receipt) {
	if len(receipts) == 0 {
		return
	}
	if err := h.cfg.Receipts.Put(ctx, receipts); err != nil {
		h.cfg.Log.Warn("receipts are stored later", "count", len(receipts), "error", err.Error())
		for _, r := range receipts {
			h.acks.add(r)
		}
		return
	}
	for _, r := range receipts {
		h.drops.add(r) // without room for it the next page of that inbox clears up
	}
	if h.cfg.Stored == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storedWithin)
	defer cancel()
	if err := h.cfg.Stored(ctx, receipts); err != nil {
		h.cfg.Log.Debug("an owner was not told of receipts", "error", err.Error()) // it reads them
	}
}

// spread tells the others of receipts.
func (h *Hub) spread(ctx context.Context, receipts []messaging.Receipt) {
	h.tell(ctx, h.telling(ctx, receipts)...)
}

// drop clears inboxes. What can't be dropped a page that comes upon it drops.
func (h *Hub) drop(ctx context.Context, receipts []messaging.Receipt) {
	if err := h.cfg.Inbox.Drop(ctx, receipts); err != nil {
		h.cfg.Log.Warn("inboxes are cleared later", "count", len(receipts), "error", err.Error())
		for _, r := range receipts {
			h.drops.add(r)
		}
	}
}

// telling is what the others are to hear of receipts. Who can't be found now sees it
// when they ask.
func (h *Hub) telling(ctx context.Context, receipts []messaging.Receipt) []Telling {
	to := make([][]messaging.Address, len(receipts))
	var each errgroup.Group
	each.SetLimit(ackLanes)
	for i, r := range receipts {
		each.Go(func() error {
			to[i], _ = h.known.others(ctx, r.Conversation, r.Device)
			return nil
		})
	}
	_ = each.Wait() // none returns an error
	var tellings []Telling
	for i, r := range receipts {
		if len(to[i]) > 0 {
			tellings = append(tellings, Telling{To: to[i], Frame: wire.Encode(wire.Receipt{Receipt: r})})
		}
	}
	return tellings
}
