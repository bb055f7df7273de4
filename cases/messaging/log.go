package messaging

import "context"

// A Log is the one order of everything that is said in a partition.
type Log interface {
	// Own makes the caller the only one who can append to a partition, whoever
	// could before: their appends fail with ErrFenced from then on, what they had
	// in flight included, unless it was committed already. An owner that appends
	// nothing for half a day may have to own the partition anew.
	Own(ctx context.Context, p Partition) (OwnedLog, error)
}

// An OwnedLog is a partition's log in the hands of its owner.
type OwnedLog interface {
	// Append commits messages, in this order, behind all that was committed before.
	// ErrFenced is final: none was committed. After any other error all may have
	// been, or none, or of more than a log takes at once the first ones; the log
	// must be owned anew to find out. One caller at a time.
	Append(ctx context.Context, messages []Message) error
	// Unapplied calls do for all that is committed and not marked as applied, in
	// order, in batches, and returns when there is no more. What do has returned
	// nil for is marked.
	Unapplied(ctx context.Context, do func(context.Context, []Message) error) error
	// Applied marks everything up to the last message as applied. It may be late:
	// what is applied again after a crash was applied before.
	Applied(ctx context.Context, last Message) error
	Close() error
}

// A Lease says that this process owns a partition, as long as Lost is open. It
// is advice: what makes a second owner harmless is the Log.
type Lease interface {
	Partition() Partition
	// Epoch grows with each owner of the partition.
	Epoch() int64
	Lost() <-chan struct{}
	Release(ctx context.Context) error
}
