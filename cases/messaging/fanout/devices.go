package fanout

import (
	"context"
	"sync"
	"time"

	"designkits/cases/messaging"
)

// DevicesFor is how long people's devices are remembered. A device that was
// linked meanwhile reads what it missed in the history, as all before it.
const DevicesFor = 2 * time.Second

// Devices remembers which devices people have, in front of the accounts: people
// who talk do so more than once. It may be used by many goroutines at once.
type Devices struct {
	From func(ctx context.Context, users []messaging.UserID) ([]messaging.Device, error)
	Now  func() time.Time

	mu    sync.Mutex
	known map[messaging.UserID]devicesOf
}

type devicesOf struct {
	devices []messaging.Device
	until   time.Time
}

// Of returns the devices of people.
func (d *Devices) Of(ctx context.Context, users []messaging.UserID) ([]messaging.Device, error) {
	now := d.Now()
	var devices []messaging.Device
	var missing []messaging.UserID
	d.mu.Lock()
	for _, u := range users {
		if of, ok := d.known[u]; ok && now.Before(of.until) {
			devices = append(devices, of.devices...)
		} else {
			missing = append(missing, u)
		}
	}
	d.mu.Unlock()
	if len(missing) == 0 {
		return devices, nil
	}
	read, err := d.From(ctx, missing)
	if err != nil {
		return nil, err
	}
	d.keep(missing, read, now)
	return append(devices, read...), nil
}

func (d *Devices) keep(users []messaging.UserID, devices []messaging.Device, now time.Time) {
	byUser := map[messaging.UserID][]messaging.Device{}
	for _, device := range devices {
		byUser[device.User] = append(byUser[device.User], device)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil || len(d.known)+len(users) > messaging.MaxMembers {
		d.known = map[messaging.UserID]devicesOf{} // what is needed is read again
	}
	for _, u := range users {
		d.known[u] = devicesOf{byUser[u], now.Add(DevicesFor)}
	}
}
