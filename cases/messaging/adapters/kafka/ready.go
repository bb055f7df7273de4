package kafka

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"designkits/shared/pause"
)

// readyWithin is how long a broker that has begun may take to be ready: the first who
// asks has Kafka's own topics made, and a topic that was just made has no leader yet.
const readyWithin = 10 * time.Second

// later are what brokers say that aren't ready, or are busy with what an older owner
// has asked for. Nothing was done.
var later = []error{
	kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.ConcurrentTransactions,
	kerr.NotLeaderForPartition, kerr.LeaderNotAvailable, kerr.UnknownTopicOrPartition,
}

// untilReady repeats a call until the broker that it asks is ready for it.
func untilReady(ctx context.Context, call func() error) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		err := call()
		again := slices.ContainsFunc(later, func(e error) bool { return errors.Is(err, e) })
		if !again || !pause.For(ctx, 20*time.Millisecond) {
			return err
		}
	}
}
