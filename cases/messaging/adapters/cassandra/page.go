package cassandra

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"designkits/cases/messaging"
	"designkits/shared/cql"
)

// A place is where in an inbox a page ends: behind that item of that day.
type place struct {
	day          int64
	conversation messaging.ConversationID
	seq          messaging.Seq
}

func (p place) cursor() string { return fmt.Sprintf("%d/%s/%d", p.day, p.conversation, p.seq) }

func parsePlace(cursor string) (place, error) {
	refused := &messaging.Invalid{Field: "cursor", Reason: fmt.Sprintf("%q is none that a page has ended with", cursor)}
	parts := strings.Split(cursor, "/")
	if len(parts) != 3 || !messaging.ConversationID(parts[1]).Valid() {
		return place{}, refused
	}
	number, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return place{}, refused
	}
	seq, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return place{}, refused
	}
	return place{number, messaging.ConversationID(parts[1]), messaging.Seq(seq)}, nil
}

// Page walks the days of the device from the oldest.
func (s *Inbox) Page(ctx context.Context, a messaging.Address, cursor string, limit int) (items []messaging.Message, next string, err error) {
	if err := checkLimit(limit); err != nil {
		return nil, "", err
	}
	from := place{day: dayOf(s.db.config.Now().Add(-messaging.InboxFor)) - 1}
	if cursor != "" {
		if from, err = parsePlace(cursor); err != nil {
			return nil, "", err
		}
	}
	err = s.db.run(ctx, "read inbox", a.String(), func(ctx context.Context) error {
		days, err := s.daysOf(ctx, a, from.day)
		if err != nil {
			return err
		}
		for _, d := range days {
			after := place{day: d.day}
			if d.day == from.day {
				after = from
			}
			// One more than a page tells whether there is a next one.
			if items, err = s.collect(ctx, d, after, items, limit+1); err != nil {
				return err
			}
			if len(items) > limit {
				last := items[limit-1]
				items, next = items[:limit], place{dayOf(last.At), last.Conversation, last.Seq}.cursor()
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	return items, next, nil
}

func (s *Inbox) daysOf(ctx context.Context, a messaging.Address, from int64) (days []deviceDay, err error) {
	rows := s.db.read(ctx, `SELECT day FROM inbox_days WHERE device = ? AND day >= ?`, a.String(), dateOf(from)).Iter()
	for date := (time.Time{}); rows.Scan(&date); {
		days = append(days, deviceDay{a, dayOf(date)})
	}
	return days, rows.Close()
}

// collect appends the items of a day that follow the place and aren't
// acknowledged, until there are enough of them.
func (s *Inbox) collect(ctx context.Context, d deviceDay, after place, items []messaging.Message, enough int) ([]messaging.Message, error) {
	began, whole := s.db.config.Now(), after.conversation == ""
	found := 0
	for len(items) < enough {
		want := max(enough-len(items), 64) // not one by one where many are acknowledged
		stored, err := s.stored(ctx, d, after, want)
		if err != nil {
			return nil, err
		}
		found += len(stored)
		full := len(stored) == want
		if full {
			after = place{d.day, stored[want-1].Conversation, stored[want-1].Seq}
		}
		open, err := s.unacknowledged(ctx, d, stored)
		if err != nil {
			return nil, err
		}
		items = append(items, open...)
		if !full {
			break
		}
	}
	if whole && found == 0 {
		return items, s.clear(ctx, d, began)
	}
	return items, nil
}

func (s *Inbox) stored(ctx context.Context, d deviceDay, after place, limit int) (items []messaging.Message, err error) {
	rows := s.db.read(ctx, `SELECT conversation, seq, id, sender, kind, target, users, title, at, shared, own FROM inbox WHERE device = ? AND day = ? AND (conversation, seq) > (?, ?) LIMIT ?`,
		d.device.String(), d.date(), string(after.conversation), int64(after.seq), limit).Iter()
	for {
		var m messaging.Message
		var sender string
		var own []byte
		if !rows.Scan((*string)(&m.Conversation), (*int64)(&m.Seq), (*string)(&m.ID), &sender, (*string)(&m.Kind), (*int64)(&m.Target), &m.Users, &m.Title, &m.At, &m.Body.Shared, &own) {
			return items, rows.Close()
		}
		if m.Sender, err = messaging.ParseAddress(sender); err != nil {
			_ = rows.Close()
			return nil, fmt.Errorf("item %s/%d: %w", m.Conversation, m.Seq, err)
		}
		if len(own) > 0 {
			m.Body.To = map[messaging.Address][]byte{d.device: own}
		}
		items = append(items, m)
	}
}

// unacknowledged leaves out the items that the device has acknowledged, and
// drops them, since no Drop has found them in this day's partition.
func (s *Inbox) unacknowledged(ctx context.Context, d deviceDay, stored []messaging.Message) ([]messaging.Message, error) {
	if len(stored) == 0 {
		return nil, nil
	}
	var conversations []messaging.ConversationID
	for _, m := range stored { // they come by conversation
		if n := len(conversations); n == 0 || conversations[n-1] != m.Conversation {
			conversations = append(conversations, m.Conversation)
		}
	}
	upTo, err := s.db.delivered(ctx, d.device, conversations)
	if err != nil {
		return nil, err
	}
	var drops []cql.Write
	dropped := map[messaging.ConversationID]bool{} // once is enough for all that follow
	open := slices.DeleteFunc(stored, func(m messaging.Message) bool {
		acknowledged := upTo[m.Conversation]
		if m.Seq > acknowledged {
			return false
		}
		if !dropped[m.Conversation] {
			dropped[m.Conversation] = true
			drops = append(drops, s.drop(d, m.Conversation, acknowledged))
		}
		return true
	})
	return open, s.db.writer.do(ctx, drops)
}

// clear takes a day that was found empty out of the device's index, so that the
// next page doesn't look there: a device that is always connected would have
// thirty of them. Not today or yesterday, which get new items.
//
// An item may be put there at this very moment, late. Its Put has written the
// day into the index again, and this deletion is given a timestamp of an hour
// before the partition was read, under the one of that: clocks need agree to the
// hour only, and a Put ends long before one is over.
func (s *Inbox) clear(ctx context.Context, d deviceDay, read time.Time) error {
	if d.day >= dayOf(read)-1 {
		return nil
	}
	return s.db.read(ctx, `DELETE FROM inbox_days USING TIMESTAMP ? WHERE device = ? AND day = ?`,
		read.Add(-time.Hour).UnixMicro(), d.device.String(), d.date()).Exec()
}
