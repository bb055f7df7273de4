package shortener

import (
	"context"
	"iter"

	"golang.org/x/sync/errgroup"
)

// A BulkRow is one link of many that are asked for at once.
type BulkRow struct {
	Line  int   // where it stood, from 1
	Draft Draft //
	Err   error // why it couldn't be read; Draft counts for nothing then
}

// A BulkResult is what became of a row.
type BulkResult struct {
	Line int
	Link Link
	Err  error // as of Create
}

const (
	// bulkBatch is how many rows are held at a time, and made before the next
	// are read.
	bulkBatch = 128
	// bulkAtOnce is how many of them are made at once.
	bulkAtOnce = 16
)

// CreateMany makes a link of each row and tells emit of each, in the order of
// the rows. It reads on only when what it has read is done, so neither rows nor
// results pile up. One row's failure is no other's.
//
// Before each batch it asks charge to allow the links that can be made. When
// that fails, or emit, or the context ends, it stops and returns the error;
// what was emitted holds, what was not has not been made, but for the batch
// that emit failed in.
func (l *Links) CreateMany(ctx context.Context, owner Owner, rows iter.Seq[BulkRow], charge func(links int) error, emit func(BulkResult) error) error {
	batch := make([]BulkRow, 0, bulkBatch)
	for row := range rows {
		batch = append(batch, row)
		if len(batch) == bulkBatch {
			if err := l.createBatch(ctx, owner, batch, charge, emit); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return l.createBatch(ctx, owner, batch, charge, emit)
}

func (l *Links) createBatch(ctx context.Context, owner Owner, batch []BulkRow, charge func(links int) error, emit func(BulkResult) error) error {
	good, checked := 0, make([]Checked, len(batch))
	for i, row := range batch {
		if row.Err == nil {
			checked[i], batch[i].Err = l.Check(row.Draft)
		}
		if batch[i].Err == nil {
			good++
		}
	}
	if good > 0 {
		if err := charge(good); err != nil {
			return err
		}
	}
	results := make([]BulkResult, len(batch))
	var making errgroup.Group
	making.SetLimit(bulkAtOnce)
	for i, row := range batch {
		results[i] = BulkResult{Line: row.Line, Err: row.Err}
		if row.Err == nil {
			making.Go(func() error {
				results[i].Link, results[i].Err = l.Create(ctx, owner, checked[i])
				return nil
			})
		}
	}
	_ = making.Wait() // errors are in the results
	for _, result := range results {
		if err := emit(result); err != nil {
			return err
		}
	}
	return ctx.Err()
}
