package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"designkits/cases/shortener"
	"designkits/cases/shortener/clicks"
	"designkits/shared/fault/link"
	"designkits/shared/kafka"
	"designkits/shared/leaktest"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// Whatever a given-up try left in the log must not get ahead of clicks that are
// older: a batch stays together, and goes where its first try went.
func TestABatchGoesIntoOnePartitionAndThereAgain(t *testing.T) {
	log, err := NewClickLog([]string{testenv.Addr(t, "kafka")}, testenv.Namespace(t))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close(context.Background())
	const batches, size = 12, 50
	for b := range batches {
		var batch []clicks.Click
		for n := range size {
			batch = append(batch, clicks.Click{Schema: 1, ID: fmt.Sprint(b, ".", n), Code: shortener.Code(fmt.Sprint(b)), Time: time.Now().UTC()})
		}
		for _, part := range [][]clicks.Click{batch[:20], batch} { // a try that got through in part, and the next
			if err := log.Append(t.Context(), part); err != nil {
				t.Fatal(err)
			}
		}
	}
	reader, err := kafka.Connect([]string{testenv.Addr(t, "kafka")}, kgo.ConsumeTopics(log.topics.Clicks), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	where, used := map[shortener.Code]int32{}, map[int32]bool{}
	for n := 0; n < batches*(size+20); {
		fetches := reader.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			n++
			var click clicks.Click
			if err := json.Unmarshal(r.Value, &click); err != nil {
				t.Error(err)
			}
			if p, seen := where[click.Code]; seen && p != r.Partition {
				t.Errorf("batch %s is in partition %d and in %d", click.Code, p, r.Partition)
			}
			where[click.Code] = r.Partition
			used[r.Partition] = true
		})
	}
	if len(used) < 2 {
		t.Errorf("all batches went into partition %v", used)
	}
}

// A Kafka that is frozen answers nothing and closes nothing. Append must not
// wait for it longer than it was told to, or a stopping process would hang.
func TestAppendKeepsItsDeadlineWhileKafkaIsFrozen(t *testing.T) {
	way, err := link.Open(testenv.Addr(t, "kafka"))
	if err != nil {
		t.Fatal(err)
	}
	defer way.Close()
	var d net.Dialer
	log, err := NewClickLog([]string{testenv.Addr(t, "kafka")}, testenv.Namespace(t), kgo.Dialer(func(ctx context.Context, network, _ string) (net.Conn, error) {
		return d.DialContext(ctx, network, way.Addr())
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close(context.Background())
	n := 0
	batch := func() (made []clicks.Click) {
		for range 100 {
			n++
			made = append(made, clicks.Click{Schema: 1, ID: fmt.Sprint(n), Code: "frozen1", Time: time.Now().UTC()})
		}
		return made
	}
	if err := log.Append(t.Context(), batch()); err != nil {
		t.Fatal(err)
	}
	if err := way.Delay(30 * time.Second); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		began := time.Now()
		err := log.Append(ctx, batch())
		cancel()
		if took := time.Since(began); err == nil || took > 15*time.Second {
			t.Fatalf("%v after %s, want an error after 200ms", err, took)
		}
	}
	way.Cut()
	if err := way.Mend(); err != nil {
		t.Fatal(err)
	}
	// The first may fail with what was before it in the client's buffer: that
	// keeps the order. The Recorder tries again, and so does this.
	deadline := time.Now().Add(2 * time.Minute)
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		err := log.Append(ctx, batch())
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("Kafka is back: %v", err)
		}
	}
}
