package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"designkits/cases/messaging"
	"designkits/cases/messaging/logtest"
	"designkits/shared/fault/link"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func config(t testing.TB) Config {
	return Config{Brokers: []string{testenv.Addr(t, "kafka")}, Namespace: testenv.Namespace(t)}
}

func TestTheLogKeepsItsContract(t *testing.T) {
	logtest.Run(t, func(t *testing.T) (one, another messaging.Log) {
		cfg := config(t)
		return NewLog(cfg), NewLog(cfg)
	})
}

func post(seq messaging.Seq, text string) messaging.Message {
	return messaging.Message{
		Draft: messaging.Draft{
			Conversation: "c0000000000000000", ID: "0123456789abcdef", Kind: messaging.Posted,
			Sender: messaging.Address{User: "u0000000000000000", Device: 1}, Body: messaging.Body{Shared: []byte(text)},
		},
		Seq: seq, At: time.UnixMilli(1_700_000_000_000).UTC(),
	}
}

func begin(t *testing.T, cfg Config) messaging.OwnedLog {
	t.Helper()
	o, err := NewLog(cfg).Own(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}

// An owner whose way to Kafka is cut in the middle of an append learns nothing,
// and may not go on: the next one finds the message whole or not at all.
func TestAnOwnerThatIsCutOffIsNoneAnyMore(t *testing.T) {
	cfg := config(t)
	way, err := link.Open(cfg.Brokers[0])
	if err != nil {
		t.Fatal(err)
	}
	defer way.Close()
	behind := cfg
	var d net.Dialer
	behind.Options = []kgo.Opt{kgo.Dialer(func(ctx context.Context, network, _ string) (net.Conn, error) {
		return d.DialContext(ctx, network, way.Addr())
	})}
	older := begin(t, behind)
	if err := older.Append(t.Context(), []messaging.Message{post(1, "one")}); err != nil {
		t.Fatal(err)
	}
	if err := way.Delay(time.Minute); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := older.Append(ctx, []messaging.Message{post(2, "two")}); err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("an append that isn't answered: %v after %s", err, time.Since(began))
	}
	way.Cut()
	if err := way.Mend(); err != nil {
		t.Fatal(err)
	}
	newer := begin(t, cfg)
	if err := newer.Append(t.Context(), []messaging.Message{post(3, "three")}); err != nil {
		t.Fatal(err)
	}
	if err := older.Append(t.Context(), []messaging.Message{post(4, "four")}); err == nil {
		t.Error("it went on")
	}
	seen := map[messaging.Seq]int{}
	err = newer.Unapplied(t.Context(), func(_ context.Context, messages []messaging.Message) error {
		for _, m := range messages {
			seen[m.Seq]++
		}
		return nil
	})
	if err != nil || seen[1] != 1 || seen[2] > 1 || seen[3] != 1 || seen[4] != 0 {
		t.Errorf("the log has %v, %v: want 1 and 3 once, 2 once at most, no 4", seen, err)
	}
}

// The control: without epochs both owners append, and their numbers collide.
func TestOwnersWithoutEpochsInterleave(t *testing.T) {
	cfg := config(t)
	cfg.Unfenced = true
	older := begin(t, cfg)
	newer := begin(t, cfg)
	for _, o := range []messaging.OwnedLog{newer, older} {
		if err := o.Append(t.Context(), []messaging.Message{post(1, "mine")}); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	err := newer.Unapplied(t.Context(), func(_ context.Context, messages []messaging.Message) error {
		n += len(messages)
		return nil
	})
	if err != nil || n != 2 {
		t.Errorf("%d messages have number 1, %v: the variant without epochs is meant to let that happen", n, err)
	}
}

// What a later version has written isn't skipped by an earlier one.
func TestARecordThatCantBeReadIsNotLeftOut(t *testing.T) {
	cfg := config(t)
	o := begin(t, cfg)
	client, err := cfg.connect()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: cfg.topic(), Value: []byte(`{"schema":2}`)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		err = o.Unapplied(t.Context(), func(context.Context, []messaging.Message) error { return errors.New("it was handed over") })
		if want := "schema 2"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("it said %v, want a word of %s", err, want)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 64} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			o, err := NewLog(config(b)).Own(b.Context(), 0)
			if err != nil {
				b.Fatal(err)
			}
			defer o.Close()
			batch := make([]messaging.Message, n)
			for b.Loop() {
				for i := range batch {
					batch[i] = post(messaging.Seq(i+1), "as long as a message is when it is encrypted, which is about so long, and a bit longer than that, for padding")
				}
				if err := o.Append(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}
