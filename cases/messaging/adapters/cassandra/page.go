package cassandra

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/shared/cql"
)

// A place is where in an inbox a page ends: behind that number of that part.
type place struct {
	part
	seq messaging.Seq
}

// cursor leaves out the bucket, which is the number's.
func (p place) cursor() string { return fmt.Sprintf("%d/%s/%d", p.day, p.conversation, p.seq) }

func parsePlace(a messaging.Address, cursor string) (place, error) {
	refused := &messaging.Invalid{Field: "cursor", Reason: fmt.Sprintf("%q is none that a page has ended with", cursor)}
	fields := strings.Split(cursor, "/")
	if len(fields) != 3 || !messaging.ConversationID(fields[1]).Valid() {
		return place{}, refused
	}
	day, err := strconv.ParseInt(fields[0], 10, 32)
	if err != nil {
		return place{}, refused
	}
	number, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil || number < 1 {
		return place{}, refused
	}
	seq := messaging.Seq(number)
	return place{part{a, day, messaging.ConversationID(fields[1]), seq.Bucket()}, seq}, nil
}

const (
	// indexPage is how many parts are looked up, and then read under one deadline: of a
	// large inbox all can take much longer than one operation may.
	indexPage = 64
	// partsTogether is how many are read at the same time.
	partsTogether = 16
	// clearAfter is how long nothing was put into a part that is cleared away.
	clearAfter = 3 * time.Hour
)

// Page walks the parts of the inbox, the oldest day's first.
func (s *Inbox) Page(ctx context.Context, a messaging.Address, cursor string, limit int) (items []messaging.Message, next string, err error) {
	if err := checkLimit(limit); err != nil {
		return nil, "", err
	}
	from := place{part: part{device: a, day: dayOf(s.db.config.Now().Add(-messaging.InboxFor)) - 1}}
	if cursor != "" {
		if from, err = parsePlace(a, cursor); err != nil {
			return nil, "", err
		}
	}
	enough := limit + 1 // one more than a page tells whether there is a next one
	for end := false; !end && len(items) < enough; {
		err := s.db.run(ctx, "read inbox", a.String(), func(ctx context.Context) error {
			parts, err := s.partsFrom(ctx, from.part)
			if err != nil {
				return err
			}
			open, err := s.collect(ctx, parts, from, enough-len(items))
			if err != nil {
				return err
			}
			items = append(items, open...)
			if end = len(parts) < indexPage; !end {
				from = place{part: parts[indexPage-1].part}
				from.bucket++
			}
			return nil
		})
		if err != nil {
			return nil, "", err
		}
	}
	if len(items) > limit {
		items = items[:limit]
		last := items[limit-1]
		next = place{partOf(a, last), last.Seq}.cursor()
	}
	return items, next, nil
}

// A listed is a part as the index has it.
type listed struct {
	part
	written time.Time // by the clock of who put something there
}

// partsFrom returns that part and those behind it, an indexPage at most.
func (s *Inbox) partsFrom(ctx context.Context, from part) (parts []listed, err error) {
	rows := s.db.read(ctx, `SELECT day, conversation, bucket, written FROM inbox_parts WHERE device = ? AND (day, conversation, bucket) >= (?, ?, ?) LIMIT ?`,
		append(from.key(), indexPage)...).Iter()
	var date time.Time
	for p := (listed{part: part{device: from.device}}); rows.Scan(&date, (*string)(&p.conversation), &p.bucket, &p.written); {
		p.day = dayOf(date)
		parts = append(parts, p)
	}
	return parts, rows.Close()
}

// collect returns what is open of parts behind a place, in order, until it is enough
// or somewhat more. It begins with one part, which in a full inbox is enough, and reads
// twice as many at a time after each that wasn't.
func (s *Inbox) collect(ctx context.Context, parts []listed, from place, enough int) (items []messaging.Message, err error) {
	for n := 1; len(parts) > 0 && len(items) < enough; n *= 2 {
		n = min(n, len(parts), partsTogether)
		open, want := make([][]messaging.Message, n), enough-len(items)
		reads, ctx := errgroup.WithContext(ctx)
		for i, p := range parts[:n] {
			var after messaging.Seq
			if p.part == from.part {
				after = from.seq
			}
			reads.Go(func() (err error) {
				open[i], err = s.open(ctx, p, after, want)
				return err
			})
		}
		if err := reads.Wait(); err != nil {
			return nil, err
		}
		items, parts = append(items, slices.Concat(open...)...), parts[n:]
	}
	return items, nil
}

// open returns the items of a part behind a number that the device hasn't
// acknowledged, at most enough. It drops what it has, since no Drop has found that.
func (s *Inbox) open(ctx context.Context, p listed, after messaging.Seq, enough int) ([]messaging.Message, error) {
	began := s.db.config.Now()
	stored, err := s.stored(ctx, p.part, after, enough)
	if err != nil {
		return nil, err
	}
	if len(stored) == 0 {
		if after > 0 {
			return nil, nil // there may be some before that
		}
		return nil, s.clear(ctx, p, began)
	}
	upTo, err := s.db.delivered(ctx, p.device, p.conversation)
	if err != nil || upTo < stored[0].Seq {
		return stored, err
	}
	if err := s.db.writer.do(ctx, []cql.Write{drop(p.part, upTo)}); err != nil {
		return nil, err
	}
	if len(stored) == enough {
		return s.stored(ctx, p.part, upTo, enough)
	}
	return slices.DeleteFunc(stored, func(m messaging.Message) bool { return m.Seq <= upTo }), nil
}

func (s *Inbox) stored(ctx context.Context, p part, after messaging.Seq, limit int) (items []messaging.Message, err error) {
	rows := s.db.read(ctx, `SELECT seq, id, sender, kind, target, users, title, at, shared, own FROM inbox_items WHERE device = ? AND day = ? AND conversation = ? AND bucket = ? AND seq > ? LIMIT ?`,
		append(p.key(), int64(after), limit)...).Iter()
	for {
		m := messaging.Message{Draft: messaging.Draft{Conversation: p.conversation}}
		var sender string
		var own []byte
		if !rows.Scan((*int64)(&m.Seq), (*string)(&m.ID), &sender, (*string)(&m.Kind), (*int64)(&m.Target), &m.Users, &m.Title, &m.At, &m.Body.Shared, &own) {
			return items, rows.Close()
		}
		if m.Sender, err = messaging.ParseAddress(sender); err != nil {
			_ = rows.Close()
			return nil, fmt.Errorf("item %s/%d: %w", m.Conversation, m.Seq, err)
		}
		if len(own) > 0 {
			m.Body.To = map[messaging.Address][]byte{p.device: own}
		}
		items = append(items, m)
	}
}

// clear takes a part that was found empty out of the device's index, so that the
// next page doesn't look there: there would be one for each conversation of each of
// thirty days.
//
// An item may be put there at this very moment. Its Put has written the part into the
// index within the hour before, and this deletion is given a timestamp of three hours
// before the partition was read, under the one of that: clocks need agree to the hour
// only, and a Put ends long before one is over.
func (s *Inbox) clear(ctx context.Context, p listed, read time.Time) error {
	before := read.Add(-clearAfter)
	if !p.written.Before(before) {
		return nil
	}
	return s.db.writer.do(ctx, []cql.Write{{
		Partition: "inbox_parts " + p.device.String(),
		Statement: `DELETE FROM inbox_parts USING TIMESTAMP ? WHERE device = ? AND day = ? AND conversation = ? AND bucket = ?`,
		Values:    append([]any{before.UnixMicro()}, p.key()...),
	}})
}
