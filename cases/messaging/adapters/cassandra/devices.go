package cassandra

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gocql/gocql"
	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/shared/cql"
	"designkits/shared/gather"
)

// linked is what the partition of a person's devices holds.
type linked struct {
	next    int // the number of the next device; 0 of somebody who has had none
	devices []messaging.Device
	attempt map[gocql.UUID]messaging.Device // by the Link that made it
}

// Link gives the device the number that the person's counter says and moves the
// counter on, both in one conditional batch. Who links at the same time is
// refused by the condition, and looks again.
func (s *Accounts) Link(ctx context.Context, u messaging.UserID, name string) (messaging.Device, error) {
	d := messaging.Device{Address: messaging.Address{User: u}, Name: name, Linked: s.db.config.Now().UTC().Truncate(time.Millisecond)}
	attempt := gocql.MustRandomUUID()
	err := s.db.decide(ctx, "link device", fmt.Sprintf("%q of %s", name, u), func(ctx context.Context) error {
		for tries := 0; ; tries++ {
			// At serial level it finishes what other tries, and those of this one, have begun.
			before, err := s.linked(ctx, u, gocql.Consistency(s.db.config.SerialConsistency))
			if err == nil {
				if own, ok := before.attempt[attempt]; ok {
					d = own // an earlier try, whose answer was lost
					return nil
				}
				if len(before.devices) >= messaging.MaxDevices {
					return messaging.ErrTooMany
				}
				d.Device = messaging.DeviceID(max(before.next, 1))
				var applied bool
				if applied, err = s.number(ctx, d, attempt, before.next); applied {
					return nil
				}
			}
			if err != nil && !cql.TryAgain(err, tries) {
				return err
			}
			if err := cql.Pause(ctx, tries); err != nil {
				return err
			}
		}
	})
	if err != nil {
		return messaging.Device{}, err
	}
	return d, nil
}

// number is the conditional batch: it applies when the counter is what it was.
func (s *Accounts) number(ctx context.Context, d messaging.Device, attempt gocql.UUID, counter int) (applied bool, err error) {
	var was any // null of somebody's first device
	if counter > 0 {
		was = counter
	}
	return cql.Conditional(ctx, s.db.session.Query(`BEGIN BATCH
		UPDATE devices SET next = ? WHERE user = ? IF next = ?;
		INSERT INTO devices (user, device, name, linked, attempt) VALUES (?, ?, ?, ?, ?);
		APPLY BATCH`,
		int(d.Device)+1, string(d.User), was, string(d.User), int(d.Device), d.Name, d.Linked, attempt), map[string]any{})
}

func (s *Accounts) linked(ctx context.Context, u messaging.UserID, level gocql.Consistency) (l linked, err error) {
	l.attempt = map[gocql.UUID]messaging.Device{}
	rows := s.db.read(ctx, `SELECT device, next, name, linked, attempt FROM devices WHERE user = ?`, string(u)).Consistency(level).Iter()
	for {
		d := messaging.Device{Address: messaging.Address{User: u}}
		var attempt gocql.UUID
		if !rows.Scan((*int)(&d.Device), &l.next, &d.Name, &d.Linked, &attempt) {
			return l, rows.Close()
		}
		if d.Device > 0 { // else it is the counter alone
			l.devices = append(l.devices, d)
			l.attempt[attempt] = d
		}
	}
}

// Revoke deletes the device if it is there; the counter stays, so that its number
// isn't given again.
func (s *Accounts) Revoke(ctx context.Context, a messaging.Address) error {
	return s.db.decide(ctx, "revoke device", a.String(), func(ctx context.Context) error {
		for tries := 0; ; tries++ {
			applied, err := cql.Conditional(ctx, s.db.session.Query(`DELETE FROM devices WHERE user = ? AND device = ? IF EXISTS`,
				string(a.User), int(a.Device)), map[string]any{})
			switch {
			case applied:
				return nil
			case err == nil && tries > 0:
				return nil // most likely by an earlier try, whose answer was lost
			case err == nil:
				return messaging.ErrNotFound
			case !cql.TryAgain(err, tries):
				return err
			}
			if err := cql.Pause(ctx, tries); err != nil {
				return err
			}
		}
	})
}

// usersAtOnce is how many people one query asks for: its coordinator
// asks for each of them.
const usersAtOnce = 25

// Devices reads the partitions of many people with each query. Those of one person
// are read together with those that others ask for meanwhile: after a gateway has died
// thousands connect at once.
func (s *Accounts) Devices(ctx context.Context, users []messaging.UserID) (devices []messaging.Device, err error) {
	if len(users) == 1 {
		own := &ownDevices{user: users[0]}
		err := s.db.run(ctx, "read devices", string(users[0]), func(ctx context.Context) error { return s.db.devices.Do(ctx, own) })
		if err != nil {
			return nil, err // own may still be written to
		}
		return own.devices, nil
	}
	var mu sync.Mutex
	err = eachPart(ctx, users, func(ctx context.Context, part []string) error {
		some, err := s.devicesOf(ctx, part)
		mu.Lock()
		defer mu.Unlock()
		devices = append(devices, some...)
		return err
	})
	return devices, err
}

// eachPart reads of many people, usersAtOnce with each query, some queries at a time.
func eachPart(ctx context.Context, users []messaging.UserID, read func(ctx context.Context, part []string) error) error {
	names := make([]string, len(users))
	for i, u := range users {
		names[i] = string(u)
	}
	slices.Sort(names)
	reads, ctx := errgroup.WithContext(ctx)
	reads.SetLimit(8)
	for part := range slices.Chunk(slices.Compact(names), usersAtOnce) {
		reads.Go(func() error { return read(ctx, part) })
	}
	return reads.Wait()
}

// devicesOf reads with one query, under a deadline of its own: those of a large
// group take many.
func (s *Accounts) devicesOf(ctx context.Context, users []string) (devices []messaging.Device, err error) {
	err = s.db.run(ctx, "read devices", fmt.Sprintf("of %d people", len(users)), func(ctx context.Context) (err error) {
		devices, err = s.db.readDevices(ctx, users)
		return err
	})
	return devices, err
}

// ownDevices are those of one person, who are asked for by themselves.
type ownDevices struct {
	user    messaging.UserID
	devices []messaging.Device
}

func newDevicesReader(db *DB) *gather.Gatherer[*ownDevices] {
	return gather.New(gather.Config[*ownDevices]{Lanes: 2, Max: usersAtOnce, Send: func(ctx context.Context, batch []*ownDevices) error {
		names := make([]string, len(batch))
		for i, own := range batch {
			names[i] = string(own.user)
		}
		slices.Sort(names)
		all, err := db.readDevices(ctx, slices.Compact(names))
		for _, own := range batch {
			for _, d := range all {
				if d.User == own.user {
					own.devices = append(own.devices, d)
				}
			}
		}
		return err
	}})
}

func (db *DB) readDevices(ctx context.Context, users []string) (devices []messaging.Device, err error) {
	rows := db.read(ctx, `SELECT user, device, name, linked FROM devices WHERE user IN ?`, users).Iter()
	for {
		var d messaging.Device
		if !rows.Scan((*string)(&d.User), (*int)(&d.Device), &d.Name, &d.Linked) {
			return devices, rows.Close()
		}
		if d.Device > 0 { // else it is the counter alone
			devices = append(devices, d)
		}
	}
}
