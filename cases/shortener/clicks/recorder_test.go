package clicks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/adapters/cassandra"
	"designkits/cases/shortener/adapters/kafka"
	"designkits/cases/shortener/clicks"
	"designkits/shared/fault/link"
	"designkits/shared/service"
	"designkits/shared/testenv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// recording is a Recorder on the real stores, with a link to Kafka that can be
// cut.
type recording struct {
	*clicks.Recorder
	stop func() error
}

func record(t *testing.T, namespace, kafkaAddr, spoolDir string, change func(*clicks.RecorderConfig)) recording {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	db, err := cassandra.Open(t.Context(), cassandra.Config{Hosts: []string{testenv.Addr(t, "cassandra")}, Keyspace: namespace, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	kafkaLog, err := clickLog(kafkaAddr, testenv.Addr(t, "kafka"), namespace)
	if err != nil {
		t.Fatal(err)
	}
	config := clicks.RecorderConfig{Log: kafkaLog, Visitors: clicks.NewVisitors(t.Context(), db.Salts()), SpoolDir: spoolDir, Logger: log}
	if change != nil {
		change(&config)
	}
	r, err := clicks.NewRecorder(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	stop := sync.OnceValue(func() error {
		cancel()
		err := <-ended
		_ = kafkaLog.Close(context.Background())
		db.Close()
		return err
	})
	t.Cleanup(func() { _ = stop() })
	return recording{r, stop}
}

// clickLog reaches Kafka only by way of addr. Kafka tells its clients where it
// is, so the dialer must be told not to believe that.
func clickLog(addr, kafkaAddr, namespace string) (*kafka.ClickLog, error) {
	var d net.Dialer
	return kafka.NewClickLog([]string{kafkaAddr}, namespace, kgo.Dialer(func(ctx context.Context, network, _ string) (net.Conn, error) {
		return d.DialContext(ctx, network, addr)
	}))
}

func visit(n int) clicks.Visit {
	return clicks.Visit{
		Code: shortener.Code(fmt.Sprintf("c%07d", n)), Time: time.Now(), Referrer: "https://Example.org/page?secret=1", Country: "fi",
		Agent: "Mozilla/5.0 (X11; Linux x86_64; rv:154.0) Gecko/20100101 Firefox/154.0", Address: "192.0.2." + strconv.Itoa(n%250),
	}
}

// logged reads the whole click log.
func logged(t *testing.T, namespace string) []*kgo.Record {
	t.Helper()
	topic := kafka.TopicsOf(namespace).Clicks
	client, err := kgo.NewClient(kgo.SeedBrokers(testenv.Addr(t, "kafka")), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	var all int64
	ends.Each(func(o kadm.ListedOffset) { all += o.Offset })
	var records []*kgo.Record
	for int64(len(records)) < all {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) { records = append(records, r) })
	}
	return records
}

// replay does what the next start does: what the last one has left on disk is brought
// into the log.
func replay(t *testing.T, namespace, kafkaAddr, spoolDir string) {
	t.Helper()
	r := record(t, namespace, kafkaAddr, spoolDir, nil)
	testenv.Eventually(t, 2*time.Minute, "what was left is replayed", func() bool { return r.State().Waiting == 0 })
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
}

// byID returns the clicks, each once, in the order in which each partition got
// them first.
func byID(t *testing.T, records []*kgo.Record) (all []clicks.Click, partitions map[int32][]clicks.Click) {
	t.Helper()
	seen, partitions := map[string]bool{}, map[int32][]clicks.Click{}
	for _, r := range records {
		var click clicks.Click
		if err := json.Unmarshal(r.Value, &click); err != nil {
			t.Fatal(err)
		}
		if !seen[click.ID] {
			seen[click.ID] = true
			all = append(all, click)
			partitions[r.Partition] = append(partitions[r.Partition], click)
		}
	}
	return all, partitions
}

// outage is how long Kafka is away. The full minute is an experiment of its
// own; nothing here depends on the length but the size of the spool.
const outage = 4 * time.Second

func TestNothingIsLostAndOrderIsKeptThroughAnOutageOfTheLog(t *testing.T) {
	way, err := link.Open(testenv.Addr(t, "kafka"))
	if err != nil {
		t.Fatal(err)
	}
	defer way.Close()
	namespace, dir := testenv.Namespace(t), t.TempDir()
	r := record(t, namespace, way.Addr(), dir, nil)
	every := time.NewTicker(500 * time.Microsecond)
	defer every.Stop()
	n := 0
	send := func(d time.Duration) {
		for began := time.Now(); time.Since(began) < d; n++ {
			<-every.C
			r.Record(visit(n))
		}
	}
	testenv.Eventually(t, 2*time.Minute, "clicks go straight into the log", func() bool {
		send(time.Second)
		return r.State().Appended > 0
	})
	way.Cut()
	send(outage)
	testenv.Eventually(t, time.Minute, "the outage is told", func() bool {
		send(100 * time.Millisecond)
		s := r.State()
		return !s.Healthy && s.Waiting > 0 && s.Problem != ""
	})
	if err := way.Mend(); err != nil {
		t.Fatal(err)
	}
	mended := time.Now()
	send(time.Second)
	testenv.Eventually(t, 2*time.Minute, "the recorder is healthy again", func() bool { return r.State().Healthy })
	t.Logf("healthy again %s after Kafka was back", time.Since(mended).Round(time.Millisecond))
	send(200 * time.Millisecond)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	state := r.State()
	t.Logf("%+v", state)
	if state.Waiting > 0 { // a stop takes no longer than it may
		replay(t, namespace, way.Addr(), dir)
	}

	records := logged(t, namespace)
	all, partitions := byID(t, records)
	t.Logf("%d clicks, %d records, so %d came twice", n, len(records), len(records)-n)
	if len(all) != n || state.Recorded != int64(n) || state.Dropped != 0 {
		t.Errorf("%d clicks are in the log, want %d; %+v", len(all), n, state)
	}
	if state.Spooled == 0 || state.Replayed == 0 || state.Appended == 0 {
		t.Errorf("want clicks on both ways: %+v", state)
	}
	for p, some := range partitions {
		if !slices.IsSortedFunc(some, func(a, b clicks.Click) int { return strings.Compare(string(a.Code), string(b.Code)) }) {
			t.Errorf("partition %d has clicks out of order", p)
		}
	}
	for _, r := range records {
		if strings.Contains(string(r.Value), "192.0.2.") || strings.Contains(string(r.Value), "secret") {
			t.Fatalf("the record tells too much: %s", r.Value)
		}
	}
	if c := all[0]; c.Referrer != "example.org" || c.Country != "FI" || c.Device != "desktop" || c.Browser != "firefox" || c.Bot || len(c.Visitor) != 16 {
		t.Errorf("%+v", c)
	}
}

func TestAGracefulStopLeavesOnDiskWhatTheLogCannotTake(t *testing.T) {
	way, err := link.Open(testenv.Addr(t, "kafka"))
	if err != nil {
		t.Fatal(err)
	}
	defer way.Close()
	way.Cut()
	namespace, dir := testenv.Namespace(t), t.TempDir()
	r := record(t, namespace, way.Addr(), dir, nil)
	for n := range 1000 {
		r.Record(visit(n))
	}
	began := time.Now()
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > service.StopWithin {
		t.Errorf("the stop took %s", took)
	}
	if err := way.Mend(); err != nil {
		t.Fatal(err)
	}
	again := record(t, namespace, way.Addr(), dir, nil)
	testenv.Eventually(t, 2*time.Minute, "what was left is replayed", func() bool { return again.State().Healthy && again.State().Replayed == 1000 })
	if all, _ := byID(t, logged(t, namespace)); len(all) != 1000 {
		t.Errorf("%d clicks are in the log, want 1000", len(all))
	}
}

func TestWhenAllIsFullClicksAreDroppedAndCountedAndNobodyWaits(t *testing.T) {
	way, err := link.Open(testenv.Addr(t, "kafka"))
	if err != nil {
		t.Fatal(err)
	}
	defer way.Close()
	way.Cut()
	namespace, dir := testenv.Namespace(t), t.TempDir()
	r := record(t, namespace, way.Addr(), dir, func(c *clicks.RecorderConfig) { c.SpoolBytes, c.Buffer = 10_000, 100 })
	var took []time.Duration
	var s clicks.RecorderState
	n := 0
	testenv.Eventually(t, time.Minute, "all is full", func() bool {
		for range 50 {
			began := time.Now()
			r.Record(visit(n))
			took = append(took, time.Since(began))
			n++
		}
		s = r.State()
		return s.Dropped > 0 && strings.Contains(s.Problem, "full")
	})
	slices.Sort(took)
	usual := took[len(took)*9/10] // a few goroutines may have waited for their turn; what blocks would block each
	t.Logf("nine of ten Records took at most %s, the slowest %s", usual, took[len(took)-1])
	if usual > 20*time.Millisecond {
		t.Errorf("Record blocked for %s", usual)
	}
	if s.Recorded+s.Dropped != int64(n) || s.SpoolBytes > 10_000 || !strings.Contains(s.Problem, "full") {
		t.Errorf("%d clicks: %+v", n, s)
	}
	if err := way.Mend(); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 2*time.Minute, "all that was taken is in the log", func() bool { return r.State().Healthy && len(logged(t, namespace)) > 0 })
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if r.State().Waiting > 0 {
		replay(t, namespace, way.Addr(), dir)
	}
	if all, _ := byID(t, logged(t, namespace)); int64(len(all)) != r.State().Recorded {
		t.Errorf("%d clicks are in the log, want %d", len(all), r.State().Recorded)
	}
}
