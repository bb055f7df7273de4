package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/device"
	"designkits/cases/messaging/crowd"
	"designkits/cases/messaging/wire"
	harness "designkits/shared/bench"
	"designkits/shared/kitenv"
	"designkits/shared/rig"
)

// One member in four is connected, as in the capacity sheet; the others cost what
// is written for them, and nothing else until they come back.
const connectedOf = 4

// waitAtMost is how long a message may wait behind one of a large group that is
// in the same partition: the goal for a message's whole way.
const waitAtMost = 100 * time.Millisecond

var fanOut = harness.Bench{
	Name:  "fan-out",
	About: "a group's message on every connected member's screen, by size of the group: written to each inbox, against read from the history",
	Run: func(ctx context.Context, r *harness.Run) error {
		sizes := []int{2, 8, 32, 128, 256, 512, 1000, 2500, 10_000}
		if r.Quick {
			sizes = []int{2, 8, 32}
		}
		namespace, err := kitenv.Namespace()
		if err != nil {
			return err
		}
		g := &groups{namespace: namespace, sizes: sizes}
		write, err := g.measure(ctx, r, "write", fmt.Sprint(messaging.MaxMembers))
		if err != nil {
			return err
		}
		read, err := g.measure(ctx, r, "read", "0")
		if err != nil {
			return err
		}
		var first, limit int
		slower, long := false, false
		for i, size := range sizes {
			w, rd := write[i], read[i]
			r.Report(harness.Result{Name: fmt.Sprintf("fan-out-%d", size), Unit: "ms", Value: ms(w.all), Baseline: ms(rd.all),
				Note: fmt.Sprintf("%d of them connected; a message behind it in the same partition takes %.0f ms where it is written and %.0f ms where it is read",
					w.connected, ms(w.behind), ms(rd.behind))}, harness.None)
			if slower = slower || w.all > rd.all; !slower {
				first = size
			}
			if long = long || w.behind > waitAtMost; !long {
				limit = size
			}
		}
		r.Report(harness.Result{Name: "fan-out-crossing", Value: float64(first),
			Note: "members up to which a message that is written is on all screens before one that is read; 0: it never is"}, harness.None)
		r.Report(harness.Result{Name: "fan-out-limit", Value: float64(limit),
			Note: fmt.Sprintf("members up to which a message behind one that is written takes no more than %s, of the sizes above", waitAtMost)}, harness.None)
		return nil
	},
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// groups are the people of all sizes of group; both ways have the same.
type groups struct {
	namespace string
	sizes     []int
	people    [][]messaging.Address // the first two are a pair, the third sends to the groups

	mu      sync.Mutex
	waiting map[messaging.MessageID]*arrival
}

// An arrival is a message on its way to screens.
type arrival struct {
	began time.Time
	left  int           // screens that don't show it yet
	took  time.Duration // until the last of them did
	done  chan struct{}
}

// A spread is what was measured of a size: medians.
type spread struct {
	connected   int
	all, behind time.Duration // until all have it; until the one behind it is there
}

// measure starts the case one way, and measures all sizes.
func (g *groups) measure(ctx context.Context, r *harness.Run, way, upTo string) (of []spread, err error) {
	s, err := crowd.Open(ctx, rig.Options{Namespace: g.namespace, Env: map[string]string{"WRITE_UP_TO": upTo}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close(ctx)) }()
	begun := true // by the way before
	if g.people == nil {
		if g.people, err = s.People(ctx, g.sizes[len(g.sizes)-1]+2, 1); err != nil {
			return nil, err
		}
		begun = false
	}
	g.waiting = map[messaging.MessageID]*arrival{}
	var there []messaging.Address
	for i, own := range g.people {
		if i < 3 || i%connectedOf == 3 {
			there = append(there, own[0])
		}
	}
	devices, err := s.Connect(ctx, s.Gateways, g.shown, there...)
	if err != nil {
		return nil, err
	}
	pair := messaging.DirectID(g.people[0][0].User, g.people[1][0].User)
	if !begun {
		create := wire.Send{Conversation: pair, Kind: messaging.Created, Users: []messaging.UserID{g.people[1][0].User}}
		if _, err := g.bring(ctx, devices[g.people[0][0]], 1, create); err != nil {
			return nil, err
		}
	}
	for _, size := range g.sizes {
		one, err := g.spread(ctx, devices, pair, size)
		if err != nil {
			return nil, fmt.Errorf("a group of %d on %s: %w", size, way, err)
		}
		r.Logf("%s, %d members: %d connected have it after %s, one behind it after %s", way, size, one.connected, one.all.Round(time.Millisecond), one.behind.Round(time.Millisecond))
		of = append(of, one)
	}
	return of, nil
}

// shown takes note of who has what.
func (g *groups) shown(_ messaging.Address, m messaging.Message) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if a := g.waiting[m.ID]; a != nil {
		if a.left--; a.left == 0 {
			a.took = time.Since(a.began)
			close(a.done)
			delete(g.waiting, m.ID)
		}
	}
}

// bring sends a message and returns how long it took until so many others, and the
// sender, show it.
func (g *groups) bring(ctx context.Context, from *device.Device, others int, m wire.Send) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, bringWithin)
	defer cancel()
	a, err := g.send(ctx, from, others, m)
	if err != nil {
		return 0, err
	}
	return g.shows(ctx, a)
}

// bringWithin is how long a message may take, or the bench has failed.
const bringWithin = 2 * time.Minute

// send has a message committed, which so many others and the sender will show.
func (g *groups) send(ctx context.Context, from *device.Device, others int, m wire.Send) (*arrival, error) {
	m.ID = messaging.MessageID(rand.Text())
	a := &arrival{began: time.Now(), left: others + 1, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting[m.ID] = a
	g.mu.Unlock()
	_, err := from.Send(ctx, m)
	return a, err
}

// shows waits until a message is on all its screens, and returns how long it took
// from when it was sent.
func (g *groups) shows(ctx context.Context, a *arrival) (time.Duration, error) {
	select {
	case <-a.done:
		return a.took, nil
	case <-ctx.Done():
		g.mu.Lock()
		defer g.mu.Unlock()
		return 0, fmt.Errorf("%d devices don't show it: %w", a.left, ctx.Err())
	}
}

// spread makes a group and has it hear some messages, one after the other.
func (g *groups) spread(ctx context.Context, devices map[messaging.Address]*device.Device, pair messaging.ConversationID, size int) (of spread, err error) {
	group := messaging.NewConversationID(messaging.Group)
	for group.Partition() != pair.Partition() { // so that the one behind waits
		group = messaging.NewConversationID(messaging.Group)
	}
	sender := devices[g.people[2][0]]
	kind := messaging.Created
	for part := range slices.Chunk(g.people[3:2+size], messaging.MaxAdded) {
		var users []messaging.UserID
		for _, own := range part {
			users = append(users, own[0].User)
			if devices[own[0]] != nil {
				of.connected++
			}
		}
		if _, err := g.bring(ctx, sender, of.connected, wire.Send{Conversation: group, Kind: kind, Users: users, Title: "many"}); err != nil {
			return of, err
		}
		kind = messaging.Added
	}
	var all, behind []time.Duration
	for range 5 {
		first, second, err := g.oneBehind(ctx, sender, devices[g.people[0][0]], of.connected, group, pair)
		if err != nil {
			return of, err
		}
		all, behind = append(all, first), append(behind, second)
	}
	slices.Sort(all)
	slices.Sort(behind)
	of.all, of.behind = all[len(all)/2], behind[len(behind)/2]
	return of, nil
}

// oneBehind has the group hear a message, and the pair one that is sent as soon as the
// group's is committed: so it stands behind it, and the two are not sent at once.
func (g *groups) oneBehind(ctx context.Context, sender, other *device.Device, connected int, group, pair messaging.ConversationID) (first, second time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, bringWithin)
	defer cancel()
	a, err := g.send(ctx, sender, connected, wire.Send{Conversation: group, Kind: messaging.Posted, Body: messaging.Body{Shared: text}})
	if err != nil {
		return 0, 0, err
	}
	second, err = g.bring(ctx, other, 1, wire.Send{Conversation: pair, Kind: messaging.Posted, Body: messaging.Body{Shared: text}})
	if err != nil {
		return 0, 0, err
	}
	first, err = g.shows(ctx, a)
	return first, second, err
}
