package fanout_test

import (
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/fanout"
)

func TestPeoplesDevicesAreReadAgainAfterAWhile(t *testing.T) {
	h := openHall(t, 10)
	now := time.Now()
	devices := &fanout.Devices{From: h.db.Accounts().Devices, Now: func() time.Time { return now }}
	ana, bo := h.person(1), h.person(2)
	count := func(want int, users ...messaging.UserID) {
		t.Helper()
		of, err := devices.Of(t.Context(), users)
		if err != nil || len(of) != want {
			t.Errorf("%d devices, %v; want %d", len(of), err, want)
		}
	}
	count(1, ana)
	if _, err := h.db.Accounts().Link(t.Context(), ana, "another"); err != nil {
		t.Fatal(err)
	}
	count(3, ana, bo) // one is remembered, two are read
	now = now.Add(fanout.DevicesFor)
	count(4, ana, bo)
	if err := h.db.Accounts().Revoke(t.Context(), messaging.Address{User: bo, Device: 1}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(fanout.DevicesFor)
	count(3, bo, ana)
}
