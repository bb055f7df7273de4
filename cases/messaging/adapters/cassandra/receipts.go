package cassandra

import (
	"context"
	"errors"
	"fmt"

	"github.com/gocql/gocql"

	"designkits/cases/messaging"
	"designkits/shared/cql"
)

// Receipts is the messaging.Receipts. Each number is written with itself as its
// timestamp, so that the highest stays, whatever comes late; that takes a
// statement for each of the two, and both go in one batch.
type Receipts struct{ db *DB }

// Receipts returns the store of how far everybody is.
func (db *DB) Receipts() *Receipts { return &Receipts{db} }

var _ messaging.Receipts = (*Receipts)(nil)

// Put stores receipts.
func (s *Receipts) Put(ctx context.Context, receipts []messaging.Receipt) error {
	return s.db.run(ctx, "put receipts", ofReceipts(receipts), func(ctx context.Context) error {
		writes := make([]cql.Write, 0, 2*len(receipts))
		for _, r := range receipts {
			if r.Delivered > 0 {
				writes = append(writes, mark(r, "delivered", r.Delivered))
			}
			if r.Read > 0 {
				writes = append(writes, mark(r, "read", r.Read))
			}
		}
		return s.db.writer.do(ctx, writes)
	})
}

// ofReceipts names receipts in an error.
func ofReceipts(receipts []messaging.Receipt) string {
	if len(receipts) == 0 {
		return "(none)"
	}
	return fmt.Sprintf("(%d, the first of %s in %s)", len(receipts), receipts[0].Device, receipts[0].Conversation)
}

// mark is the write of one number.
func mark(r messaging.Receipt, column string, number messaging.Seq) cql.Write {
	c, shard := string(r.Conversation), shardOf(r.Conversation, r.Device.User)
	return cql.Write{
		Partition: fmt.Sprintf("receipts %s %d", c, shard),
		Statement: `UPDATE receipts USING TIMESTAMP ? SET ` + column + ` = ? WHERE conversation = ? AND shard = ? AND user = ? AND device = ?`,
		Values:    []any{int64(number), int64(number), c, shard, string(r.Device.User), int(r.Device.Device)},
	}
}

// Of reads all parts of the conversation's receipts.
func (s *Receipts) Of(ctx context.Context, c messaging.ConversationID, limit int) (receipts []messaging.Receipt, err error) {
	if err := checkLimit(limit); err != nil {
		return nil, err
	}
	err = s.db.run(ctx, "read receipts", "of "+string(c), func(ctx context.Context) error {
		rows := s.db.read(ctx, `SELECT user, device, delivered, read FROM receipts WHERE conversation = ? AND shard IN ? LIMIT ?`, string(c), shardsOf(c), limit).Iter()
		for {
			r := messaging.Receipt{Conversation: c}
			if !rows.Scan((*string)(&r.Device.User), (*int)(&r.Device.Device), (*int64)(&r.Delivered), (*int64)(&r.Read)) {
				return rows.Close()
			}
			receipts = append(receipts, r)
		}
	})
	return receipts, err
}

// delivered says how far a device has a conversation, 0 where nothing is known. That is
// a read for each part of its inbox, when a device comes back, in place of a second
// table by device, which each acknowledgement of each device would have to write.
func (db *DB) delivered(ctx context.Context, a messaging.Address, c messaging.ConversationID) (messaging.Seq, error) {
	var upTo int64
	err := db.read(ctx, `SELECT delivered FROM receipts WHERE conversation = ? AND shard = ? AND user = ? AND device = ?`,
		string(c), shardOf(c, a.User), string(a.User), int(a.Device)).Scan(&upTo)
	if errors.Is(err, gocql.ErrNotFound) {
		return 0, nil
	}
	return messaging.Seq(upTo), err
}
