package kafka

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"designkits/cases/shortener/clicks"
	"designkits/shared/fault/link"
	"designkits/shared/testenv"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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
	if err := way.Delay(15 * time.Second); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		began := time.Now()
		err := log.Append(ctx, batch())
		cancel()
		if took := time.Since(began); err == nil || took > 2*time.Second {
			t.Fatalf("%v after %s, want an error after 200ms", err, took)
		}
	}
	way.Cut()
	if err := way.Mend(); err != nil {
		t.Fatal(err)
	}
	// The first may fail with what was before it in the client's buffer: that
	// keeps the order. The Recorder tries again, and so does this.
	deadline := time.Now().Add(20 * time.Second)
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
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
