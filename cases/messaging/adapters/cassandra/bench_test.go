package cassandra

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/shared/testenv"
)

// parallel calls from 64 goroutines for each processor, with a message of a
// conversation of the goroutine's own.
func parallel(b *testing.B, do func(ctx context.Context, m messaging.Message) error) {
	b.ResetTimer() // the tables are made
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		receiver := messaging.Address{User: messaging.NewUserID(), Device: 1}
		m := talk(1, averageBody(receiver))[0]
		m.At = time.Now().UTC().Truncate(time.Millisecond)
		for ; pb.Next(); m.Seq++ {
			if err := do(b.Context(), m); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

func benchDB(b *testing.B) *DB {
	name := testenv.Namespace(b)
	return openDB(b, func(c *Config) { c.Keyspace = name })
}

// The baseline: the statement of a Put, as a call of its own.
func BenchmarkBareInsert(b *testing.B) {
	db := benchDB(b)
	parallel(b, func(ctx context.Context, m messaging.Message) error {
		w := putOf(m, bucket{m.Conversation, m.Seq.Bucket()})
		return db.session.Query(w.Statement, w.Values...).WithContext(ctx).Exec()
	})
}

func BenchmarkHistoryPut(b *testing.B) {
	history := benchDB(b).History()
	parallel(b, func(ctx context.Context, m messaging.Message) error { return history.Put(ctx, []messaging.Message{m}) })
}

func BenchmarkInboxPut(b *testing.B) {
	inbox := benchDB(b).Inbox()
	parallel(b, func(ctx context.Context, m messaging.Message) error { return inbox.Put(ctx, itemsOf(m)) })
}

// A device is back after a day: a page of what ten conversations have said, 154 items
// by the sheet.
func BenchmarkInboxPage(b *testing.B) {
	inbox, a := benchDB(b).Inbox(), messaging.Address{User: messaging.NewUserID(), Device: 1}
	for range 10 {
		if err := inbox.Put(b.Context(), itemsOfDay(a, time.Now(), 0, 15)); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if items, _, err := inbox.Page(b.Context(), a, "", 100); err != nil || len(items) != 100 {
			b.Fatal(len(items), err)
		}
	}
}

// itemsOf is the message for each device it has a body for.
func itemsOf(m messaging.Message) (items []messaging.Item) {
	for a := range m.Body.To {
		items = append(items, messaging.Item{Device: a, Message: m})
	}
	return items
}

// What a message between two people with one device each takes: the history, the
// inbox, and the acknowledgement.
func BenchmarkWholeMessage(b *testing.B) {
	db := benchDB(b)
	history, inbox := db.History(), db.Inbox()
	parallel(b, func(ctx context.Context, m messaging.Message) error {
		if err := history.Put(ctx, []messaging.Message{m}); err != nil {
			return err
		}
		items := itemsOf(m)
		if err := inbox.Put(ctx, items); err != nil {
			return err
		}
		return db.Receipts().Put(ctx, []messaging.Receipt{{Conversation: m.Conversation, Device: items[0].Device, Delivered: m.Seq}})
	})
}

// As an owner applies them: batches of what was committed, of many conversations.
func BenchmarkHistoryPutBatches(b *testing.B) {
	history := benchDB(b).History()
	const size = 200
	var turn atomic.Int64
	conversations := make([]messaging.Message, 1000)
	for i := range conversations {
		conversations[i] = talk(1, averageBody(messaging.Address{User: messaging.NewUserID(), Device: 1}))[0]
	}
	b.ResetTimer()
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			batch := make([]messaging.Message, size)
			for i := range batch {
				n := turn.Add(1)
				batch[i] = conversations[int(n)%len(conversations)]
				batch[i].Seq = messaging.Seq(n)/messaging.Seq(len(conversations)) + 1
				batch[i].ID = messaging.MessageID(fmt.Sprintf("message-%010d", n))
			}
			if err := history.Put(b.Context(), batch); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "messages/s")
}
