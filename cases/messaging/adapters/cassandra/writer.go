package cassandra

import (
	"context"
	"slices"
	"strings"

	"github.com/gocql/gocql"
	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/shared/gather"
)

// A write is one statement that may be carried out any number of times, in any
// order with others.
type write struct {
	partition string // the table and the partition key
	statement string
	values    []any
}

// size is what Cassandra counts of the write, or more: it adds to each value when it
// was written and until when it lasts.
func (w write) size() int {
	const beside = 20
	size := 0
	for _, value := range w.values {
		switch v := value.(type) {
		case string:
			size += len(v)
		case []byte:
			size += len(v)
		case []messaging.UserID:
			for _, u := range v {
				size += 4 + len(u)
			}
		case map[string][]byte:
			for key, each := range v {
				size += 8 + len(key) + len(each)
			}
		default: // a number, a time, or nothing
			size += 8
		}
		size += beside
	}
	return size
}

// What one batch may hold. It makes its coordinator do the work of several, so
// it is kept small: these are the figures above which Cassandra warns.
const (
	maxBatchBytes      = 5 << 10
	maxBatchPartitions = 10
)

// A writer carries writes out, those of many callers together in unlogged
// batches: one request, and one place in the commit log, in place of one for
// each. Writes to the same partition become one mutation; one by one they would
// contend for it. A batch isn't atomic and needn't be, since each write can be
// repeated, and is when the caller is told of an error.
type writer struct {
	session *gocql.Session
	calls   *gather.Gatherer[[]write]
}

// fewWrites is up to how many a call goes together with others. One that has
// more fills batches by itself, and the others would wait for all of them.
const fewWrites = 16

func newWriter(session *gocql.Session) *writer {
	w := &writer{session: session}
	// Two at a time: with more, each call would find one that is free, and go alone.
	w.calls = gather.New(gather.Config[[]write]{Lanes: 2, Max: 64, Send: func(ctx context.Context, calls [][]write) error {
		return w.send(ctx, slices.Concat(calls...))
	}})
	return w
}

// Close ends the writer when what is under way has come back.
func (w *writer) Close() { w.calls.Close() }

// do returns when all writes are stored. After an error any of them may be.
func (w *writer) do(ctx context.Context, writes []write) error {
	switch {
	case len(writes) == 0:
		return nil
	case len(writes) <= fewWrites:
		return w.calls.Do(ctx, writes)
	}
	return w.send(ctx, writes)
}

// send carries the writes out in batches, several at a time.
func (w *writer) send(ctx context.Context, writes []write) error {
	batches := pack(writes)
	if len(batches) == 1 {
		return w.execute(ctx, batches[0])
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(16)
	for _, batch := range batches {
		work.Go(func() error { return w.execute(ctx, batch) })
	}
	return work.Wait()
}

func (w *writer) execute(ctx context.Context, writes []write) error {
	if len(writes) == 1 {
		return w.session.Query(writes[0].statement, writes[0].values...).Idempotent(true).WithContext(ctx).Exec()
	}
	batch := w.session.NewBatch(gocql.UnloggedBatch).WithContext(ctx)
	batch.Entries = make([]gocql.BatchEntry, len(writes))
	for i, each := range writes {
		batch.Entries[i] = gocql.BatchEntry{Stmt: each.statement, Args: each.values, Idempotent: true}
	}
	return w.session.ExecuteBatch(batch)
}

// pack puts writes together into batches within the limits, those of a partition
// side by side. One that is larger than a batch may be goes alone.
func pack(writes []write) (batches [][]write) {
	slices.SortStableFunc(writes, func(a, b write) int { return strings.Compare(a.partition, b.partition) })
	var batch []write
	bytes, partitions := 0, 0
	for _, next := range writes {
		size := next.size()
		fresh := len(batch) == 0 || batch[len(batch)-1].partition != next.partition
		if len(batch) > 0 && (bytes+size > maxBatchBytes || fresh && partitions == maxBatchPartitions) {
			batches = append(batches, batch)
			batch, bytes, partitions, fresh = nil, 0, 0, true
		}
		batch = append(batch, next)
		bytes += size
		if fresh {
			partitions++
		}
	}
	return append(batches, batch)
}
