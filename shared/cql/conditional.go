package cql

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/gocql/gocql"

	"designkits/shared/pause"
)

// Conditional makes a conditional write and tells whether it was applied. If it
// was not, held gets the columns that the refusal names. The driver's own call
// for this panics when it can't read the answer.
func Conditional(ctx context.Context, query *gocql.Query, held map[string]any) (applied bool, err error) {
	// What columns the answer has can't be known when it is prepared.
	answer := query.WithContext(ctx).NoSkipMetadata().Iter()
	answer.MapScan(held)
	if err := answer.Close(); err != nil {
		return false, err
	}
	applied, ok := held["[applied]"].(bool)
	if !ok {
		return false, errors.New("the answer doesn't say whether the write was applied: not a conditional one")
	}
	delete(held, "[applied]")
	return applied, nil
}

// OutcomeUnknown reports whether a conditional write that failed like this may
// have been applied all the same, now or later. A read at serial consistency
// settles it: it finishes or voids every round that was begun before.
func OutcomeUnknown(err error) bool {
	var (
		write   *gocql.RequestErrWriteTimeout
		unknown *gocql.RequestErrCASWriteUnknown
		read    *gocql.RequestErrReadTimeout
		failed  *gocql.RequestErrWriteFailure
	)
	return errors.As(err, &write) || errors.As(err, &unknown) || errors.As(err, &read) || errors.As(err, &failed) ||
		errors.Is(err, gocql.ErrTimeoutNoResponse) || connectionLost(err)
}

// connectionLost reports whether the connection broke while a call waited.
func connectionLost(err error) bool {
	var network *net.OpError
	return errors.Is(err, gocql.ErrConnectionClosed) || errors.Is(err, io.EOF) || errors.As(err, &network)
}

// TryAgain reports whether a conditional write that can recognise its own
// earlier tries is worth another: when the outcome of this one is unknown, and
// after such a one also while the driver is still connecting again.
func TryAgain(err error, tries int) bool {
	return OutcomeUnknown(err) || tries > 0 && errors.Is(err, gocql.ErrNoConnections)
}

// Pause waits a random moment that grows with the tries, up to 100 ms, so that
// writers that met once don't meet again.
func Pause(ctx context.Context, tries int) error {
	longest := min(100*time.Millisecond, 2*time.Millisecond<<min(tries, 6))
	if !pause.For(ctx, rand.N(longest)) {
		return ctx.Err()
	}
	return nil
}
