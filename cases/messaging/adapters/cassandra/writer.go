package cassandra

import (
	"context"
	"slices"

	"github.com/gocql/gocql"

	"designkits/shared/cql"
	"designkits/shared/gather"
)

// A writer carries writes out, those of many callers together.
type writer struct {
	session *gocql.Session
	calls   *gather.Gatherer[[]cql.Write]
}

// fewWrites is up to how many a call goes together with others. One that has
// more fills batches by itself, and the others would wait for all of them.
const fewWrites = 16

func newWriter(session *gocql.Session) *writer {
	// Two at a time: with more, each call would find one that is free, and go alone.
	return &writer{session, gather.New(gather.Config[[]cql.Write]{Lanes: 2, Max: 64, Send: func(ctx context.Context, calls [][]cql.Write) error {
		return cql.WriteAll(ctx, session, slices.Concat(calls...))
	}})}
}

// Close ends the writer when what is under way has come back.
func (w *writer) Close() { w.calls.Close() }

// do returns when all writes are stored. After an error any of them may be.
func (w *writer) do(ctx context.Context, writes []cql.Write) error {
	switch {
	case len(writes) == 0:
		return nil
	case len(writes) <= fewWrites:
		return w.calls.Do(ctx, writes)
	}
	return cql.WriteAll(ctx, w.session, writes)
}
