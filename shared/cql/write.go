package cql

import (
	"context"
	"reflect"
	"slices"
	"strings"

	"github.com/gocql/gocql"
	"golang.org/x/sync/errgroup"
)

// A Write is one statement that may be carried out any number of times, in any
// order with others.
type Write struct {
	Partition string // the table and the partition key
	Statement string
	Values    []any
}

// What one batch may hold. It makes its coordinator do the work of several, so
// it is kept small: these are the figures above which Cassandra warns, for each
// batch a line in its log. Ten times as many bytes it refuses.
const (
	maxBatchBytes      = 5 << 10
	maxBatchPartitions = 10
)

// WriteAll carries writes out in unlogged batches, several at a time: one request
// in place of one for each. Writes to the same partition become one mutation; one
// by one they would contend for it. A batch isn't atomic and needn't be, since each
// write can be repeated. After an error any of them may be stored.
func WriteAll(ctx context.Context, session *gocql.Session, writes []Write) error {
	batches := pack(writes)
	if len(batches) == 1 {
		return execute(ctx, session, batches[0])
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(16)
	for _, batch := range batches {
		work.Go(func() error { return execute(ctx, session, batch) })
	}
	return work.Wait()
}

func execute(ctx context.Context, session *gocql.Session, writes []Write) error {
	if len(writes) == 1 {
		return session.Query(writes[0].Statement, writes[0].Values...).Idempotent(true).WithContext(ctx).Exec()
	}
	batch := session.NewBatch(gocql.UnloggedBatch).WithContext(ctx)
	batch.Entries = make([]gocql.BatchEntry, len(writes))
	for i, each := range writes {
		batch.Entries[i] = gocql.BatchEntry{Stmt: each.Statement, Args: each.Values, Idempotent: true}
	}
	return session.ExecuteBatch(batch)
}

// pack puts writes together into batches within the limits, those of a partition
// side by side. One that is larger than a batch may be goes alone.
func pack(writes []Write) (batches [][]Write) {
	sorted := slices.SortedStableFunc(slices.Values(writes), func(a, b Write) int { return strings.Compare(a.Partition, b.Partition) })
	var batch []Write
	bytes, partitions := 0, 0
	for _, next := range sorted {
		size := next.size()
		fresh := len(batch) == 0 || batch[len(batch)-1].Partition != next.Partition
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
	if len(batch) > 0 {
		batches = append(batches, batch)
	}
	return batches
}

// size is what Cassandra counts of the write, or more: it adds to each value when it
// was written and until when it lasts.
func (w Write) size() (size int) {
	const beside = 20
	for _, value := range w.Values {
		size += beside + bytesOf(reflect.ValueOf(value))
	}
	return size
}

// bytesOf is how many bytes a value has, or more.
func bytesOf(v reflect.Value) (n int) {
	const number, length = 8, 4
	switch v.Kind() {
	case reflect.String:
		return length + v.Len()
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return length + v.Len()
		}
		for _, each := range v.Seq2() {
			n += bytesOf(each)
		}
		return length + n
	case reflect.Map:
		for key, each := range v.Seq2() {
			n += bytesOf(key) + bytesOf(each)
		}
		return length + n
	default: // a number, a time, or nothing
		return number
	}
}
