package cassandra

import (
	"context"
	"slices"

	"github.com/gocql/gocql"
	"golang.org/x/sync/errgroup"

	"designkits/shared/gather"
)

// A wanted is the row of a key that a caller waits for. found is the zero row
// when there is none.
type wanted struct {
	key   rowKey
	found row
	err   error
}

// gatherReads reads the rows that many callers want at once with one SELECT … IN:
// one request, for driver and server, in place of one for each. A caller that
// comes alone has a plain SELECT.
//
// The coordinator then asks for the partitions of several callers, which on a
// large ring lie on other nodes, and the slowest is everybody's. So a batch is
// bounded, and when it fails each of its callers reads alone: a partition that
// can't be read keeps nobody from another. In each partition Cassandra looks for all
// keys of the batch, so with more than sixteen a row costs more again. Two at a time:
// with more, a caller mostly finds one that is free, and reads alone as well.
func gatherReads(session *gocql.Session, level gocql.Consistency) *gather.Gatherer[*wanted] {
	return gather.New(gather.Config[*wanted]{Lanes: 2, Max: 16, Send: func(ctx context.Context, batch []*wanted) error {
		return sendReads(ctx, session, level, batch)
	}})
}

func sendReads(ctx context.Context, session *gocql.Session, level gocql.Consistency, batch []*wanted) error {
	if len(batch) > 1 && readTogether(ctx, session, level, batch) == nil {
		return nil
	}
	alone, ctx := errgroup.WithContext(ctx)
	for _, w := range batch {
		alone.Go(func() error {
			w.found, w.err = readRow(ctx, session, level, w.key)
			return nil
		})
	}
	return alone.Wait()
}

func readTogether(ctx context.Context, session *gocql.Session, level gocql.Consistency, batch []*wanted) error {
	buckets, keys := make([]string, len(batch)), make([]string, len(batch))
	for i, w := range batch {
		buckets[i], keys[i] = w.key.bucket, w.key.key
	}
	slices.Sort(buckets) // several may be in one
	rows := session.Query(`SELECT key, `+linkColumns+` FROM links WHERE bucket IN ? AND key IN ?`, slices.Compact(buckets), keys).
		Consistency(level).Idempotent(true).WithContext(ctx).Iter()
	found := make(map[string]row, len(batch))
	var key string
	for {
		var r row
		if !rows.Scan(append([]any{&key}, r.columns()...)...) {
			break
		}
		found[key] = r
	}
	if err := rows.Close(); err != nil {
		return err
	}
	for _, w := range batch {
		w.found = found[w.key.key]
	}
	return nil
}

// readRow returns the row of a key, the zero row when there is none.
func readRow(ctx context.Context, session *gocql.Session, level gocql.Consistency, k rowKey) (row, error) {
	var r row
	err := session.Query(`SELECT `+linkColumns+` FROM links WHERE bucket = ? AND key = ?`, k.bucket, k.key).
		Consistency(level).Idempotent(true).WithContext(ctx).Scan(r.columns()...)
	if err == gocql.ErrNotFound {
		return row{}, nil
	}
	return r, err
}

const linkColumns = `code, target, owner, created, expires, permanent, version, attempt`

// columns are where the linkColumns of a row go.
func (r *row) columns() []any {
	return []any{(*string)(&r.Code), &r.Target, (*string)(&r.Owner), &r.Created, &r.Expires, &r.Permanent, &r.Version, &r.attempt}
}
