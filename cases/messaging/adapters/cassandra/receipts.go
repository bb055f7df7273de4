package cassandra

import (
	"context"
	"fmt"

	"designkits/cases/messaging"
)

// Receipts is the messaging.Receipts. Each number is written with itself as its
// timestamp, so that the highest stays, whatever comes late; that takes a
// statement for each of the two, and both go in one batch.
type Receipts struct{ db *DB }

// Receipts returns the store of how far everybody is.
func (db *DB) Receipts() *Receipts { return &Receipts{db} }

var _ messaging.Receipts = (*Receipts)(nil)

// Put stores receipts, for their conversation and for their device.
func (s *Receipts) Put(ctx context.Context, receipts []messaging.Receipt) error {
	return s.db.run(ctx, "put receipts", ofReceipts(receipts), func(ctx context.Context) error {
		writes := make([]write, 0, 4*len(receipts))
		for _, r := range receipts {
			if r.Delivered > 0 {
				writes = append(writes, marks(r, "delivered", r.Delivered)...)
			}
			if r.Read > 0 {
				writes = append(writes, marks(r, "read", r.Read)...)
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

// marks are the writes of one number.
func marks(r messaging.Receipt, column string, number messaging.Seq) []write {
	c, shard := string(r.Conversation), shardOf(r.Conversation, r.Device.User)
	return []write{{
		partition: fmt.Sprintf("receipts %s %d", c, shard), bytes: 80,
		statement: `UPDATE receipts USING TIMESTAMP ? SET ` + column + ` = ? WHERE conversation = ? AND shard = ? AND user = ? AND device = ?`,
		values:    []any{int64(number), int64(number), c, shard, string(r.Device.User), int(r.Device.Device)},
	}, {
		partition: "receipts_by_device " + r.Device.String(), bytes: 70,
		statement: `UPDATE receipts_by_device USING TIMESTAMP ? SET ` + column + ` = ? WHERE device = ? AND conversation = ?`,
		values:    []any{int64(number), int64(number), r.Device.String(), c},
	}}
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

// For reads the receipts of a device.
func (s *Receipts) For(ctx context.Context, a messaging.Address) (receipts []messaging.Receipt, err error) {
	err = s.db.run(ctx, "read receipts", "for "+a.String(), func(ctx context.Context) error {
		rows := s.db.read(ctx, `SELECT conversation, delivered, read FROM receipts_by_device WHERE device = ?`, a.String()).Iter()
		for {
			r := messaging.Receipt{Device: a}
			if !rows.Scan((*string)(&r.Conversation), (*int64)(&r.Delivered), (*int64)(&r.Read)) {
				return rows.Close()
			}
			receipts = append(receipts, r)
		}
	})
	return receipts, err
}
