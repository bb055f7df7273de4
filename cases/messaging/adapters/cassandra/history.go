package cassandra

import (
	"context"
	"fmt"
	"slices"

	"github.com/gocql/gocql"

	"designkits/cases/messaging"
	"designkits/shared/cql"
)

// History is the messaging.History.
type History struct{ db *DB }

// History returns the store of conversations' messages.
func (db *DB) History() *History { return &History{db} }

var _ messaging.History = (*History)(nil)

// A bucket is a partition of a conversation's messages.
type bucket struct {
	conversation messaging.ConversationID
	number       int64
}

const putMessage = `INSERT INTO messages (conversation, bucket, seq, id, sender, kind, target, users, title, at, shared, bodies) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP 1`

// Put stores messages. The first of a bucket also moves the conversation's
// newest bucket there; after a crash between the two Last may miss it, until the
// Put is repeated.
func (s *History) Put(ctx context.Context, messages []messaging.Message) error {
	return s.db.run(ctx, "put messages", subjectOf(messages), func(ctx context.Context) error {
		writes := make([]cql.Write, 0, len(messages)+1)
		var begun []bucket
		for _, m := range messages {
			b := bucket{m.Conversation, m.Seq.Bucket()}
			if !s.db.buckets.has(b) && !slices.Contains(begun, b) {
				begun = append(begun, b)
				writes = append(writes, cql.Write{
					Partition: "newest_buckets " + string(b.conversation),
					// A timestamp of 0 would do for bucket 0, but says "none" to some tools.
					Statement: `INSERT INTO newest_buckets (conversation, bucket) VALUES (?, ?) USING TIMESTAMP ?`,
					Values:    []any{string(b.conversation), b.number, b.number + 1},
				})
			}
			writes = append(writes, putOf(m, b))
		}
		if err := s.db.writer.do(ctx, writes); err != nil {
			return err
		}
		s.db.buckets.add(begun)
		return nil
	})
}

// subjectOf names messages in an error.
func subjectOf(messages []messaging.Message) string {
	if len(messages) == 0 {
		return "(none)"
	}
	first := messages[0]
	return fmt.Sprintf("(%d, the first is %s/%d)", len(messages), first.Conversation, first.Seq)
}

func putOf(m messaging.Message, b bucket) cql.Write {
	var bodies map[string][]byte
	if len(m.Body.To) > 0 {
		bodies = make(map[string][]byte, len(m.Body.To))
		for a, each := range m.Body.To {
			bodies[a.String()] = each
		}
	}
	return cql.Write{
		Partition: fmt.Sprintf("messages %s %d", b.conversation, b.number),
		Statement: putMessage,
		Values: []any{string(b.conversation), b.number, int64(m.Seq), string(m.ID), m.Sender.String(), string(m.Kind),
			unset(m.Target == 0, int64(m.Target)), unset(len(m.Users) == 0, m.Users), unset(m.Title == "", m.Title), m.At,
			unset(len(m.Body.Shared) == 0, m.Body.Shared), unset(bodies == nil, bodies)},
	}
}

// Forget takes the bodies away with timestamp 2, under which a Put is, whether it
// comes before or after.
func (s *History) Forget(ctx context.Context, c messaging.ConversationID, seq messaging.Seq) error {
	return s.db.run(ctx, "forget bodies", fmt.Sprintf("%s/%d", c, seq), func(ctx context.Context) error {
		return s.db.read(ctx, `UPDATE messages USING TIMESTAMP 2 SET shared = null, bodies = null WHERE conversation = ? AND bucket = ? AND seq = ?`,
			string(c), seq.Bucket(), int64(seq)).Exec()
	})
}

const messageColumns = `SELECT seq, id, sender, kind, target, users, title, at, shared, bodies FROM messages WHERE conversation = ? AND bucket = ? `

// Range reads bucket after bucket, none behind the newest.
func (s *History) Range(ctx context.Context, c messaging.ConversationID, from, to messaging.Seq, limit int) (messages []messaging.Message, err error) {
	if err := checkLimit(limit); err != nil {
		return nil, err
	}
	from = max(from, 1)
	if to < from {
		return nil, nil
	}
	err = s.db.run(ctx, "read messages", fmt.Sprintf("%s/%d-%d", c, from, to), func(ctx context.Context) error {
		last := to.Bucket()
		if from.Bucket() < last {
			newest, err := s.newest(ctx, c)
			if err != nil {
				return err
			}
			last = min(last, newest)
		}
		for b := from.Bucket(); b <= last && len(messages) < limit; b++ {
			rows := s.db.read(ctx, messageColumns+`AND seq >= ? AND seq <= ? LIMIT ?`,
				string(c), b, int64(from), int64(to), limit-len(messages)).Iter()
			if messages, err = collect(rows, c, messages); err != nil {
				return err
			}
		}
		return nil
	})
	return messages, err
}

// Last reads bucket after bucket from the newest down.
func (s *History) Last(ctx context.Context, c messaging.ConversationID, limit int) (messages []messaging.Message, err error) {
	if err := checkLimit(limit); err != nil {
		return nil, err
	}
	err = s.db.run(ctx, "read newest messages", string(c), func(ctx context.Context) error {
		b, err := s.newest(ctx, c)
		if err != nil {
			return err
		}
		for ; b >= 0 && len(messages) < limit; b-- {
			rows := s.db.read(ctx, messageColumns+`ORDER BY seq DESC LIMIT ?`, string(c), b, limit-len(messages)).Iter()
			if messages, err = collect(rows, c, messages); err != nil {
				return err
			}
		}
		slices.Reverse(messages)
		return nil
	})
	return messages, err
}

// newest is the number of a conversation's newest bucket, or -1.
func (s *History) newest(ctx context.Context, c messaging.ConversationID) (number int64, err error) {
	err = s.db.read(ctx, `SELECT bucket FROM newest_buckets WHERE conversation = ?`, string(c)).Scan(&number)
	if err == gocql.ErrNotFound {
		return -1, nil
	}
	return number, err
}

// collect appends the messages of a conversation that the rows hold.
func collect(rows *gocql.Iter, c messaging.ConversationID, messages []messaging.Message) ([]messaging.Message, error) {
	for {
		m := messaging.Message{Draft: messaging.Draft{Conversation: c}}
		var sender string
		var bodies map[string][]byte
		if !rows.Scan((*int64)(&m.Seq), (*string)(&m.ID), &sender, (*string)(&m.Kind), (*int64)(&m.Target), &m.Users, &m.Title, &m.At, &m.Body.Shared, &bodies) {
			return messages, rows.Close()
		}
		if err := finish(&m, sender, bodies); err != nil {
			_ = rows.Close()
			return nil, err
		}
		messages = append(messages, m)
	}
}

// finish gives a message what is stored in another form than it has.
func finish(m *messaging.Message, sender string, bodies map[string][]byte) (err error) {
	if m.Sender, err = messaging.ParseAddress(sender); err != nil {
		return fmt.Errorf("message %s/%d: %w", m.Conversation, m.Seq, err)
	}
	for address, each := range bodies {
		a, err := messaging.ParseAddress(address)
		if err != nil {
			return fmt.Errorf("message %s/%d: %w", m.Conversation, m.Seq, err)
		}
		if m.Body.To == nil {
			m.Body.To = make(map[messaging.Address][]byte, len(bodies))
		}
		m.Body.To[a] = each
	}
	return nil
}
