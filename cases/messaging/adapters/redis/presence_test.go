package redis

import (
	"reflect"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/presence"
)

func TestPeopleAreSeenByTheirDevices(t *testing.T) {
	c, ana, bo := connect(t), device(), device()
	tablet := messaging.Address{User: ana.User, Device: ana.Device + 1}
	p := c.Presence()
	now := time.Now().UTC().Truncate(time.Millisecond)
	sight := func(s presence.Sighting, devices ...messaging.Address) {
		t.Helper()
		if err := p.Sight(t.Context(), devices, s); err != nil {
			t.Fatal(err)
		}
	}
	sight(presence.Beat(now))
	sight(presence.Beat(now), ana, tablet, bo)
	sight(presence.Left(now.Add(time.Second)), tablet)
	got, err := p.Look(t.Context(), []messaging.UserID{ana.User, bo.User, device().User})
	want := map[messaging.UserID]map[messaging.DeviceID]presence.Sighting{
		ana.User: {ana.Device: presence.Beat(now), tablet.Device: presence.Left(now.Add(time.Second))},
		bo.User:  {bo.Device: presence.Beat(now)},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	// Nobody's last hour here is known for ever.
	if ttl, err := c.redis.TTL(t.Context(), p.key(ana.User)).Result(); err != nil || ttl <= 0 || ttl > messaging.InboxFor {
		t.Errorf("it is known for %s, %v", ttl, err)
	}
	if other, err := connect(t).Presence().Look(t.Context(), []messaging.UserID{ana.User}); err != nil || len(other) > 0 {
		t.Errorf("another namespace: %+v, %v", other, err)
	}
}

func TestWhatIsNoSightingIsSaidSo(t *testing.T) {
	c, ana := connect(t), device()
	if err := c.redis.HSet(t.Context(), c.Presence().key(ana.User), "1", "yesterday").Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Presence().Look(t.Context(), []messaging.UserID{ana.User}); err == nil {
		t.Errorf("%+v", got)
	}
}
