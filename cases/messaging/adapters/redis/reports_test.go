package redis

import (
	"reflect"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/operator"
)

func TestProcessesReportOnThemselves(t *testing.T) {
	c := connect(t)
	at := time.Now().UTC().Truncate(time.Millisecond)
	want := map[string]operator.Report{
		"gateway-1": {At: at, Gateway: &operator.Traffic{Connections: 3, Devices: 2, PerSecond: operator.Rates{Sent: 1.5}}},
		"chat-1":    {At: at, Chat: &operator.Lag{Behind: map[messaging.Partition]int{0: 0, 15: 7}}},
	}
	for process, r := range want {
		if err := c.Reports().Put(t.Context(), process, r); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.Reports().Of(t.Context(), []string{"gateway-1", "gateway-2", "chat-1"})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if ttl, err := c.redis.PTTL(t.Context(), c.Reports().key("chat-1")).Result(); err != nil || ttl <= 0 || ttl > operator.ReportFor {
		t.Errorf("it is kept for %s, %v", ttl, err)
	}
	if got, err := c.Reports().Of(t.Context(), nil); err != nil || len(got) > 0 {
		t.Errorf("of nobody: %+v, %v", got, err)
	}
}
