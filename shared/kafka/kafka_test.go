package kafka_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"designkits/shared/kafka"
	"designkits/shared/leaktest"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func connect(t *testing.T, broker string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kafka.Connect([]string{broker}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func TestTopicsThatManyCreateAtOnceCanBeUsedByEach(t *testing.T) {
	topic := testenv.Namespace(t) + ".records"
	var all sync.WaitGroup
	for range 8 {
		client := connect(t, testenv.Addr(t, "kafka"))
		all.Go(func() {
			if err := kafka.Ensure(t.Context(), client, kafka.Topics{Names: []string{topic}, Partitions: 2, Keep: time.Hour}); err != nil {
				t.Error(err)
				return
			}
			if err := kafka.Produce(t.Context(), client, []*kgo.Record{{Topic: topic, Value: []byte("one")}, {Topic: topic, Value: []byte("two")}}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestNobodyWaitsLongerThanTheContextForAKafkaThatIsAway(t *testing.T) {
	client := connect(t, "127.0.0.1:1")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	for name, call := range map[string]func() error{
		"produce": func() error { return kafka.Produce(ctx, client, []*kgo.Record{{Topic: "none", Value: []byte("x")}}) },
		"ensure": func() error {
			return kafka.Ensure(ctx, client, kafka.Topics{Names: []string{"none"}, Partitions: 1, Keep: time.Hour})
		},
		"ping": func() error { return kafka.Ping(ctx, client) },
	} {
		began := time.Now()
		if err := call(); err == nil || time.Since(began) > 5*time.Second {
			t.Errorf("%s: %v after %s, wanted an error at once", name, err, time.Since(began))
		}
	}
}
