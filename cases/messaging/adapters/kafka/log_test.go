package kafka

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/logtest"
	"designkits/shared/fault/link"
	"designkits/shared/leaktest"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func config(t testing.TB) Config {
	return Config{Brokers: []string{testenv.Addr(t, "kafka")}, Namespace: testenv.Namespace(t)}
}

func TestTheLogKeepsItsContract(t *testing.T) {
	logtest.Run(t, func(t *testing.T) (one, another messaging.Log) {
		cfg := config(t)
		return open(t, cfg), open(t, cfg)
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

func open(t testing.TB, cfg Config) *Log {
	t.Helper()
	l, err := NewLog(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(context.Background()) })
	return l
}

func begin(t *testing.T, cfg Config) *owned {
	t.Helper()
	o, err := open(t, cfg).Own(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return o.(*owned)
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

// Kafka gives out another producer id when it has no epochs left of one, or has
// forgotten it: epochs of the one say nothing about those of the other.
func TestAnOwnerUnderAnotherIDIsNoneAnyMore(t *testing.T) {
	cfg := config(t)
	older := begin(t, cfg)
	older.as, older.next = producer{older.as.id + 1_000_000, 7}, 0
	if err := older.Append(t.Context(), []messaging.Message{post(1, "one")}); err != nil {
		t.Fatal(err)
	}
	newer := begin(t, cfg)
	if err := older.Append(t.Context(), []messaging.Message{post(2, "two")}); !errors.Is(err, messaging.ErrFenced) {
		t.Errorf("the older one's append: %v, want ErrFenced", err)
	}
	if err := newer.Append(t.Context(), []messaging.Message{post(3, "three")}); err != nil {
		t.Error(err)
	}
	if err := begin(t, cfg).Append(t.Context(), []messaging.Message{post(4, "four")}); err != nil {
		t.Errorf("where one is closed already: %v", err)
	}
}

// Kafka forgets epochs after a day: then an older owner's would be taken.
func TestAnOwnerThatWasQuietForHalfADayIsNoneAnyMore(t *testing.T) {
	o := begin(t, config(t))
	o.last = time.Now().Add(-quietFor - time.Second)
	for range 2 {
		if err := o.Append(t.Context(), []messaging.Message{post(1, "one")}); !errors.Is(err, errQuiet) {
			t.Errorf("it said %v, want %v", err, errQuiet)
		}
	}
}

func TestMoreThanABatchHolds(t *testing.T) {
	cfg := config(t)
	o := begin(t, cfg)
	var many []messaging.Message
	for seq := messaging.Seq(1); seq <= 60; seq++ {
		many = append(many, post(seq, strings.Repeat("x", 48<<10)))
	}
	if err := o.Append(t.Context(), many); err != nil {
		t.Fatal(err)
	}
	if err := o.Applied(t.Context(), many[49]); err != nil {
		t.Fatal(err)
	}
	want := messaging.Seq(51)
	err := begin(t, cfg).Unapplied(t.Context(), func(_ context.Context, messages []messaging.Message) error {
		for _, m := range messages {
			if m.Seq != want {
				t.Errorf("number %d came, want %d", m.Seq, want)
			}
			want++
		}
		return nil
	})
	if err != nil || want != 61 {
		t.Errorf("the last was %d, %v; want 60", want-1, err)
	}
}

func TestRecordsAreNumberedRoundTheLargestNumber(t *testing.T) {
	for _, c := range []struct {
		first int32
		n     int
		want  int32
	}{{0, 3, 3}, {math.MaxInt32, 1, 0}, {math.MaxInt32 - 1, 3, 1}} {
		if got := following(c.first, c.n); got != c.want {
			t.Errorf("behind %d records from %d on comes %d, want %d", c.n, c.first, got, c.want)
		}
	}
}

// The control: without epochs both owners append, and their numbers collide.
func TestOwnersWithoutEpochsInterleave(t *testing.T) {
	cfg := config(t)
	cfg.Unfenced = true
	older := begin(t, cfg)
	newer := begin(t, cfg)
	for _, o := range []*owned{newer, older} {
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

// One partition's batches go one after the other; those of all partitions together.
func BenchmarkAppend(b *testing.B) {
	for _, each := range []struct{ partitions, messages int }{{1, 1}, {1, 64}, {messaging.Partitions, 1}} {
		b.Run(fmt.Sprintf("partitions=%d/messages=%d", each.partitions, each.messages), func(b *testing.B) {
			l := open(b, config(b))
			batch := make([]messaging.Message, each.messages)
			for i := range batch {
				batch[i] = post(messaging.Seq(i+1), "as long as a message is when it is encrypted, which is about so long, and a bit longer than that, for padding")
			}
			var logs []messaging.OwnedLog
			for p := range each.partitions {
				o, err := l.Own(b.Context(), messaging.Partition(p))
				if err != nil {
					b.Fatal(err)
				}
				logs = append(logs, o)
			}
			for b.Loop() {
				var all errgroup.Group
				for _, o := range logs {
					all.Go(func() error { return o.Append(b.Context(), batch) })
				}
				if err := all.Wait(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(each.partitions*each.messages*b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}
