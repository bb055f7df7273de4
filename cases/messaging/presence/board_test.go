package presence_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"designkits/cases/messaging"
	"designkits/cases/messaging/presence"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func device(n, d int) messaging.Address {
	return messaging.Address{User: messaging.UserID(fmt.Sprintf("u%016d", n)), Device: messaging.DeviceID(d)}
}

// A town is what all gateways have written down, and one gateway's board.
type town struct {
	*presence.Board
	now  time.Time
	seen map[messaging.UserID]map[messaging.DeviceID]presence.Sighting
}

func newTown(rate, burst int) *town {
	return &town{presence.NewBoard(rate, burst), start, map[messaging.UserID]map[messaging.DeviceID]presence.Sighting{}}
}

func (t *town) sight(a messaging.Address, s presence.Sighting) {
	of := maps.Clone(t.seen[a.User]) // the board keeps what it was handed
	if of == nil {
		of = map[messaging.DeviceID]presence.Sighting{}
	}
	of[a.Device] = s
	t.seen[a.User] = of
	t.Sighted(a.User, of)
}

func (t *town) beat(a messaging.Address) { t.sight(a, presence.Beat(t.now)) }
func (t *town) left(a messaging.Address) { t.sight(a, presence.Left(t.now)) }

// watch is the board's, which has then to be handed what is known of the new ones.
func (t *town) watch(a messaging.Address, users ...messaging.UserID) {
	t.Watch(a, users)
	for _, u := range users {
		t.Sighted(u, t.seen[u])
	}
}

func TestWhoFlapsIsSaidToBeThere(t *testing.T) {
	b := newTown(1000, 1000)
	ana, ben := device(1, 1), device(2, 1)
	b.watch(ben, ana.User)
	var told []presence.Telling
	tell := func(d time.Duration) { b.now = b.now.Add(d); told = append(told, b.Tell(b.now)...) }
	tell(0) // that she isn't there
	for range 20 {
		b.beat(ana)
		tell(time.Second)
		b.left(ana)
		tell(presence.Grace / 2)
	}
	if len(told) != 2 || told[0].Online || !told[1].Online {
		t.Fatalf("while she flaps he is told %+v", told)
	}
	seen := b.now.Add(-presence.Grace / 2)
	tell(presence.Grace)
	if len(told) != 3 || told[2].Online || !told[2].LastSeen.Equal(seen) {
		t.Errorf("at the end he is told %+v, want that she was last seen at %s", told[2:], seen)
	}
}

func TestSomebodyIsThereWhileOneDeviceIs(t *testing.T) {
	b := newTown(1000, 1000)
	b.watch(device(2, 1), device(1, 1).User)
	b.beat(device(1, 1))
	b.beat(device(1, 2))
	b.left(device(1, 1))
	if !b.State(start.Add(presence.Grace+time.Second), device(1, 1).User).Online {
		t.Error("the other device isn't counted")
	}
	if b.State(start.Add(presence.BeatFor+time.Second), device(1, 1).User).Online {
		t.Error("a heartbeat is good for ever")
	}
}

func TestACrowdThatComesBackIsToldOfWithinTheRate(t *testing.T) {
	const rate, burst, watchers = 100, 10, 50
	b := newTown(rate, burst)
	var all []messaging.UserID
	for n := range presence.MaxWatched {
		all = append(all, device(n, 1).User)
	}
	for w := range watchers {
		b.watch(device(10_000+w, 1), all...)
	}
	for range 30 {
		for n := range presence.MaxWatched {
			b.beat(device(n, 1))
		}
		if n := len(b.Tell(b.now)); n > burst {
			t.Fatalf("%d are told at once", n)
		}
		b.now = b.now.Add(50 * time.Millisecond)
	}
}

func TestWhoLostWhatTheyWereToldIsToldAgain(t *testing.T) {
	b := newTown(1000, 1000)
	ana, ben, cy := device(1, 1), device(2, 1), device(3, 1)
	b.beat(ana)
	b.watch(ben, ana.User)
	b.watch(cy, ana.User)
	if told := b.Tell(b.now); len(told) != 2 {
		t.Fatalf("at first %+v", told)
	}
	b.Again(ben)
	if told := b.Tell(b.now); len(told) != 1 || told[0].To != ben || !told[0].Online {
		t.Errorf("again %+v", told)
	}
}

func TestOfWhomNobodyWatchesNothingIsKept(t *testing.T) {
	b := newTown(1000, 1000)
	ana, ben := device(1, 1), device(2, 1)
	b.watch(ben, ana.User)
	b.Tell(b.now)
	b.watch(ben)
	b.beat(ana)
	if told, watched := b.Tell(b.now), b.Watched(); len(told)+len(watched) > 0 {
		t.Errorf("%v are told, %v watched", told, watched)
	}
}

// Whatever happens, who watches is told in the end how everybody stands, never the
// same twice in a row, and nothing of whom they don't watch.
func TestWhoWatchesKnowsHowItIsInTheEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newTown(1_000_000, 1_000_000)
		watched := map[messaging.Address]map[messaging.UserID]bool{}
		known := map[messaging.Address]map[messaging.UserID]presence.State{}
		tell := func() {
			for _, told := range b.Tell(b.now) {
				if !watched[told.To][told.User] {
					t.Fatalf("%s is told of %s, whom they don't watch", told.To, told.User)
				}
				if before, ok := known[told.To][told.User]; ok && before == told.State {
					t.Fatalf("%s is told twice of %s", told.To, told.User)
				}
				known[told.To][told.User] = told.State
			}
		}
		someone := rapid.Custom(func(t *rapid.T) messaging.Address {
			return device(rapid.IntRange(0, 4).Draw(t, "who"), rapid.IntRange(1, 2).Draw(t, "device"))
		})
		t.Repeat(map[string]func(*rapid.T){
			"beat":  func(t *rapid.T) { b.beat(someone.Draw(t, "beats")) },
			"leave": func(t *rapid.T) { b.left(someone.Draw(t, "leaves")) },
			"wait": func(t *rapid.T) {
				b.now = b.now.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "seconds")) * time.Second)
				tell()
			},
			"watch": func(t *rapid.T) {
				a := someone.Draw(t, "watches")
				var users []messaging.UserID
				watched[a] = map[messaging.UserID]bool{}
				for range rapid.IntRange(0, 4).Draw(t, "many") {
					u := someone.Draw(t, "watched").User
					users = append(users, u)
					watched[a][u] = true
				}
				kept := map[messaging.UserID]presence.State{}
				for u, s := range known[a] {
					if watched[a][u] {
						kept[u] = s
					}
				}
				known[a] = kept
				b.watch(a, users...)
			},
		})
		tell()
		for a, users := range watched {
			for u := range users {
				if got, ok := known[a][u]; !ok || got != b.State(b.now, u) {
					t.Fatalf("%s knows of %s %+v (%v), it is %+v", a, u, got, ok, b.State(b.now, u))
				}
			}
		}
	})
}

func TestPrivacyHidesFromWhomItSays(t *testing.T) {
	for _, c := range []struct {
		privacy      presence.Privacy
		own, contact bool
		want         bool
	}{
		{presence.Everybody, false, false, true},
		{presence.Contacts, false, true, true}, {presence.Contacts, false, false, false},
		{"", false, false, false}, {"", false, true, true},
		{presence.Nobody, false, true, false}, {presence.Nobody, true, false, true},
	} {
		if got := c.privacy.Shows(c.own, c.contact); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	if _, err := presence.ParsePrivacy("friends"); err == nil {
		t.Error("a setting that isn't known is taken")
	}
}
