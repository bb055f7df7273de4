package kafka

import (
	"context"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"designkits/cases/messaging"
	"designkits/shared/gather"
)

// A Log is the messaging.Log of a process. It may be used by many goroutines at once.
type Log struct {
	cfg    Config
	client *kgo.Client

	mu      sync.Mutex
	brokers map[int32]*gather.Gatherer[*appending] // the way to each that leads a partition
}

var _ messaging.Log = (*Log)(nil)

// NewLog returns the log of a namespace. It does no I/O.
func NewLog(cfg Config) (*Log, error) {
	// In later versions a request to append names its topic by a number.
	client, err := cfg.connect(kgo.MaxVersions(kversion.V4_0_0()))
	if err != nil {
		return nil, err
	}
	return &Log{cfg: cfg, client: client, brokers: map[int32]*gather.Gatherer[*appending]{}}, nil
}

// Own implements messaging.Log.
func (l *Log) Own(ctx context.Context, p messaging.Partition) (messaging.OwnedLog, error) {
	o := &owned{log: l, partition: p, as: nobody}
	if err := o.begin(ctx); err != nil {
		return nil, fmt.Errorf("own partition %d of %s: %w", p, l.cfg.topic(), err)
	}
	return o, nil
}

// Close ends the connections, when what is on its way has come back.
func (l *Log) Close(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, broker := range l.brokers {
		broker.Close()
	}
	l.client.Close()
	return nil
}
