package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/clicks"
	"designkits/shared/kafka"
	"designkits/shared/testenv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// read is what a reader of increments was handed.
type read struct {
	mu      sync.Mutex
	batches [][]clicks.Positioned
	fail    int // how many times more apply fails
}

func (r *read) apply(_ context.Context, batch []clicks.Positioned) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail > 0 {
		r.fail--
		return fmt.Errorf("the store is away")
	}
	r.batches = append(r.batches, batch)
	return nil
}

// positions returns what was applied and its codes, in order. What is delivered
// again, since it could not be committed how far it was read, is there once.
func (r *read) positions() (applied map[clicks.Position]bool, codes []shortener.Code) {
	r.mu.Lock()
	defer r.mu.Unlock()
	applied = map[clicks.Position]bool{}
	for _, batch := range r.batches {
		for _, p := range batch {
			if !applied[p.Position] {
				applied[p.Position] = true
				codes = append(codes, p.Code)
			}
		}
	}
	return applied, codes
}

// following runs a reader until the returned function is called.
func following(t *testing.T, namespace string, r *read) (in *Increments, stop func()) {
	t.Helper()
	in = NewIncrements([]string{testenv.Addr(t, "kafka")}, namespace, slog.New(slog.NewTextHandler(t.Output(), nil)))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- in.Follow(ctx, r.apply) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return in, stop
}

// written writes increments of a code in one transaction, and ends it.
func written(t *testing.T, namespace string, commit kgo.TransactionEndTry, codes ...string) {
	t.Helper()
	client, err := kafka.Connect([]string{testenv.Addr(t, "kafka")}, kgo.TransactionalID(namespace+"-test"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	topics := TopicsOf(namespace)
	if err := Ensure(t.Context(), client, topics); err != nil {
		t.Fatal(err)
	}
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for _, code := range codes {
		value := fmt.Sprintf(`{"code":%q,"minute":"2026-11-22T08:00:00Z","dimension":"total","value":"","clicks":1,"bots":0,"visitors":1,"late":0}`, code)
		if code == "" {
			value = "not an increment"
		}
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topics.Increments, Partition: 1, Key: []byte(code), Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.EndTransaction(t.Context(), commit); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyCommittedIncrementsAreReadInOrderAndAgainUntilApplied(t *testing.T) {
	namespace := testenv.Namespace(t)
	in := NewIncrements([]string{testenv.Addr(t, "kafka")}, namespace, slog.New(slog.DiscardHandler))
	counted := func(want bool) {
		t.Helper()
		if got, err := in.Counted(t.Context()); got != want || err != nil {
			t.Errorf("counted: %v, %v; want %v", got, err, want)
		}
	}
	counted(false)
	written(t, namespace, kgo.TryAbort, "ghost")
	counted(false) // what a job wrote that failed before its first checkpoint
	written(t, namespace, kgo.TryCommit, "a", "", "b")
	written(t, namespace, kgo.TryAbort, "ghost")
	written(t, namespace, kgo.TryCommit, "c")
	counted(true)

	r := &read{fail: 3}
	reading, stop := following(t, namespace, r)
	want := fmt.Sprint([]shortener.Code{"a", "b", "c"})
	testenv.Eventually(t, 2*time.Minute, "a, b and c are applied", func() bool {
		_, codes := r.positions()
		return fmt.Sprint(codes) == want
	})
	if reading.Refused() != 1 {
		t.Errorf("%d records were refused, want the one that is no increment", reading.Refused())
	}

	backlog, err := NewBacklog([]string{testenv.Addr(t, "kafka")}, namespace, namespace+".none", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer backlog.Close(t.Context())
	left := func() int64 {
		if err := backlog.look(t.Context(), time.Now()); err != nil {
			t.Error(err)
		}
		return backlog.Unapplied()
	}
	testenv.Eventually(t, 2*time.Minute, "no backlog is left, aborted transactions or not", func() bool { return left() == 0 })
	stop()
	written(t, namespace, kgo.TryCommit, "d")
	testenv.Eventually(t, 2*time.Minute, "d is in the backlog, once the end of its transaction has reached the partition", func() bool { return left() > 0 })

	// Another process goes on where that one stopped.
	again := &read{}
	_, stopAgain := following(t, namespace, again)
	testenv.Eventually(t, 2*time.Minute, "d is applied", func() bool {
		_, codes := again.positions()
		return fmt.Sprint(codes) == fmt.Sprint([]shortener.Code{"d"})
	})
	stopAgain()
}

func TestATopicMadeAnewIsAnotherSource(t *testing.T) {
	namespace := testenv.Namespace(t)
	written(t, namespace, kgo.TryCommit, "old")
	r := &read{}
	following(t, namespace, r)
	testenv.Eventually(t, 2*time.Minute, "the old topic is read", func() bool {
		_, codes := r.positions()
		return len(codes) == 1
	})
	client, err := kafka.Connect([]string{testenv.Addr(t, "kafka")})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).DeleteTopics(t.Context(), TopicsOf(namespace).Increments); err != nil {
		t.Fatal(err)
	}
	written(t, namespace, kgo.TryCommit, "new")
	testenv.Eventually(t, 2*time.Minute, "the new topic is read", func() bool {
		_, codes := r.positions()
		return len(codes) == 2
	})
	applied, codes := r.positions()
	if len(applied) != 2 || codes[1] != "new" {
		t.Errorf("%v %v: want what was in the old topic, and then what is in the new one", applied, codes)
	}
	sources := map[string]bool{}
	for p := range applied {
		sources[p.Source] = true
	}
	if len(sources) != 2 {
		t.Errorf("sources %v: want two, so that offsets can't be mistaken", sources)
	}
}
