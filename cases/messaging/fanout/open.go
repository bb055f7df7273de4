package fanout

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
)

const (
	// Grace is how long a device that is connected may take to acknowledge, before
	// the message is written to its inbox.
	Grace = 2 * time.Second
	// maxOpen is how many items of a partition are open at most; more are written.
	maxOpen = 8192
	// maxPushed is how many of its messages aren't settled at most; more wait.
	maxPushed = 65_536
	// receiptsRead is how many devices of a conversation are looked up: all that its
	// members may have where inboxes are written. Whoever is behind them is taken not to
	// have acknowledged, and gets the row.
	receiptsRead = 256 * messaging.MaxDevices
	settleLanes  = 16 // conversations that are looked up at once
)

// open is what was pushed and is neither acknowledged nor written. It may be used by
// many goroutines at once.
type open struct {
	mu    sync.Mutex
	count int // of items
	items map[messaging.ConversationID][]*item
	// queue is what was pushed, in order, from the first that has open items on.
	queue []*pushed
	last  *messaging.Message // in front of the queue
}

// pushed is a message with so many open items.
type pushed struct {
	message messaging.Message
	open    int
}

// item is one that its device was sent.
type item struct {
	messaging.Item
	since time.Time
	of    *pushed
}

// room reports whether more may be open; it fails where not even more may be pushed.
func (o *open) room() (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) >= maxPushed {
		return false, fmt.Errorf("%d messages are pushed and not settled", len(o.queue))
	}
	return o.count < maxOpen, nil
}

// add notes that messages were pushed, and which items of them are open.
func (o *open) add(messages []messaging.Message, left []messaging.Item, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range messages {
		p := &pushed{message: m}
		p.message.Body = messaging.Body{} // the items have theirs
		o.queue = append(o.queue, p)
		for len(left) > 0 && left[0].Message.Conversation == m.Conversation && left[0].Message.Seq == m.Seq {
			o.items[m.Conversation] = append(o.items[m.Conversation], &item{left[0], now, p})
			p.open++
			o.count++
			left = left[1:]
		}
	}
}

// due are the conversations with an item that has been open for the grace.
func (o *open) due(now time.Time) (due []messaging.ConversationID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for c, items := range o.items { // the first has been open longest
		if now.Sub(items[0].since) >= Grace {
			due = append(due, c)
		}
	}
	return due
}

// acknowledged ends what devices have, and returns what is to be written of the rest.
func (o *open) acknowledged(c messaging.ConversationID, upTo map[messaging.Address]messaging.Seq, now time.Time) (late []messaging.Item) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.end(c, func(i *item) bool {
		has := i.Message.Seq <= upTo[i.Device]
		if !has && now.Sub(i.since) >= Grace {
			late = append(late, i.Item)
		}
		return has
	})
	return late
}

// written ends what was written.
func (o *open) written(items []messaging.Item) {
	type row struct {
		device messaging.Address
		seq    messaging.Seq
	}
	byConversation := map[messaging.ConversationID]map[row]bool{}
	for _, i := range items {
		c := i.Message.Conversation
		if byConversation[c] == nil {
			byConversation[c] = map[row]bool{}
		}
		byConversation[c][row{i.Device, i.Message.Seq}] = true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for c, rows := range byConversation {
		o.end(c, func(i *item) bool { return rows[row{i.Device, i.Message.Seq}] })
	}
}

// end ends items of a conversation. The caller holds mu.
func (o *open) end(c messaging.ConversationID, ended func(*item) bool) {
	left := slices.DeleteFunc(o.items[c], func(i *item) bool {
		if !ended(i) {
			return false
		}
		i.of.open--
		o.count--
		return true
	})
	if o.items[c] = left; len(left) == 0 {
		delete(o.items, c)
	}
}

// settled is the last message up to which nothing is open, nil while there is none.
func (o *open) settled() *messaging.Message {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) > 0 && o.queue[0].open == 0 {
		o.last = &o.queue[0].message
		o.queue = o.queue[1:]
	}
	return o.last
}

// Acknowledged is told of receipts that are stored, and spares Settle to read them. It
// may be called at any time, by many at once, and needn't be.
func (f *Fanout) Acknowledged(receipts []messaging.Receipt) {
	f.open.mu.Lock()
	defer f.open.mu.Unlock()
	for _, r := range receipts {
		f.open.end(r.Conversation, func(i *item) bool { return i.Device == r.Device && i.Message.Seq <= r.Delivered })
	}
}

// Settle looks which devices have acknowledged what was pushed to them, writes into
// their inboxes what has waited for that in vain, and gives notice of it: its device
// may have come back by another connection meanwhile, and have read its inbox before.
// It returns the last of the messages up to which nothing is left to do, nil while
// there is none, also with an error; what it couldn't do it does the next time.
func (f *Fanout) Settle(ctx context.Context) (last *messaging.Message, err error) {
	now := f.cfg.Now()
	due := f.open.due(now)
	late := make([][]messaging.Item, len(due))
	reads, reading := errgroup.WithContext(ctx)
	reads.SetLimit(settleLanes)
	for i, c := range due {
		reads.Go(func() error {
			receipts, err := f.cfg.Receipts.Of(reading, c, receiptsRead)
			if err != nil {
				return fmt.Errorf("who has acknowledged in %s: %w", c, err)
			}
			upTo := make(map[messaging.Address]messaging.Seq, len(receipts))
			for _, r := range receipts {
				upTo[r.Device] = r.Delivered
			}
			late[i] = f.open.acknowledged(c, upTo, now)
			return nil
		})
	}
	if err = reads.Wait(); err == nil {
		err = f.late(ctx, slices.Concat(late...))
	}
	return f.open.settled(), err
}

// late writes items into inboxes, and gives notice of them.
func (f *Fanout) late(ctx context.Context, items []messaging.Item) error {
	if len(items) == 0 {
		return nil
	}
	if err := f.cfg.Inbox.Put(ctx, items); err != nil {
		return fmt.Errorf("write inboxes: %w", err)
	}
	var notices []Announcement
	for _, i := range items { // those of a message one after the other
		if n := len(notices) - 1; n >= 0 && notices[n].Message.Seq == i.Message.Seq && notices[n].Message.Conversation == i.Message.Conversation {
			notices[n].To = append(notices[n].To, i.Device)
			continue
		}
		m := i.Message
		m.Body = messaging.Body{}
		notices = append(notices, Announcement{Message: m, To: []messaging.Address{i.Device}, Notice: true})
	}
	if err := f.announce(ctx, notices, f.cfg.Announcer.Find(ctx, notices)); err != nil {
		return err
	}
	f.open.written(items)
	return nil
}
