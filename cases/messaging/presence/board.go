package presence

import (
	"maps"
	"slices"
	"time"

	"designkits/cases/messaging"
)

// A Board knows who of those that are watched is there, and tells who watches. It isn't safe for use by many
// goroutines at once. Times that are handed in don't go back.
type Board struct {
	// Rate is how many tellings leave a second, and Burst how many at once.
	Rate, Burst int

	people   map[messaging.UserID]*person
	watching map[messaging.Address][]messaging.UserID
	waiting  []messaging.UserID // people whose watchers are to be told, each once
	credit   float64
	at       time.Time
}

// A person is somebody who is watched.
type person struct {
	devices  map[messaging.DeviceID]Sighting
	online   bool                        // as of the last Tell
	watchers map[messaging.Address]State // and what each was told
	isQueued bool
}

// NewBoard returns one that tells so many a second.
func NewBoard(rate, burst int) *Board {
	return &Board{
		Rate: rate, Burst: burst, credit: float64(burst),
		people: map[messaging.UserID]*person{}, watching: map[messaging.Address][]messaging.UserID{},
	}
}

// Watched are the people that are watched.
func (b *Board) Watched() []messaging.UserID { return slices.Collect(maps.Keys(b.people)) }

// Sighted says what is known of a person's devices now. Of who isn't watched nothing
// is kept.
func (b *Board) Sighted(u messaging.UserID, devices map[messaging.DeviceID]Sighting) {
	if p := b.people[u]; p != nil {
		p.devices = devices
		b.queue(u, p)
	}
}

// Watch replaces whom a device watches: those whom it may see, which is for the
// caller to find out. Of more than MaxWatched the first are watched. It returns whom
// the device watches no more.
func (b *Board) Watch(a messaging.Address, users []messaging.UserID) (dropped []messaging.UserID) {
	users = slices.Compact(slices.Sorted(slices.Values(users[:min(len(users), MaxWatched)])))
	for _, u := range b.watching[a] {
		if _, stays := slices.BinarySearch(users, u); !stays {
			dropped = append(dropped, u)
			delete(b.people[u].watchers, a)
			b.forget(u)
		}
	}
	for _, u := range users {
		p := b.people[u]
		if p == nil {
			p = &person{watchers: map[messaging.Address]State{}}
			b.people[u] = p
		}
		if _, known := p.watchers[a]; !known {
			p.watchers[a] = State{LastSeen: untold}
			b.queue(u, p)
		}
	}
	if b.watching[a] = users; len(users) == 0 {
		delete(b.watching, a)
	}
	return dropped
}

// untold is what no state is, so that whoever begins to watch is told the first.
var untold = time.Unix(-1, 0)

// Again has a device told anew of all that it watches: what it was told before has
// got lost.
func (b *Board) Again(a messaging.Address) {
	for _, u := range b.watching[a] {
		p := b.people[u]
		p.watchers[a] = State{LastSeen: untold}
		b.queue(u, p)
	}
}

// State is how somebody who is watched stands.
func (b *Board) State(now time.Time, u messaging.UserID) State {
	if p := b.people[u]; p != nil {
		return p.state(now)
	}
	return State{}
}

func (p *person) state(now time.Time) (s State) {
	for _, d := range p.devices {
		if d.Until.After(now) {
			return State{Online: true} // when they were last seen is now
		}
		if d.Seen.After(s.LastSeen) {
			s.LastSeen = d.Seen
		}
	}
	return s
}

func (b *Board) queue(u messaging.UserID, p *person) {
	if !p.isQueued {
		p.isQueued = true
		b.waiting = append(b.waiting, u)
	}
}

// forget drops somebody whom nobody watches any more.
func (b *Board) forget(u messaging.UserID) {
	if p := b.people[u]; len(p.watchers) == 0 && !p.isQueued {
		delete(b.people, u)
	}
}

// Tell returns what is to be told now, within the rate. It is called several times a
// second. People are told of in turn, each by their latest state, so that who has
// many watchers keeps nobody else waiting for ever.
func (b *Board) Tell(now time.Time) []Telling {
	b.expire(now)
	if !b.at.IsZero() {
		b.credit = min(b.credit+now.Sub(b.at).Seconds()*float64(b.Rate), float64(b.Burst))
	}
	b.at = now
	var told []Telling
	for range len(b.waiting) {
		u := b.waiting[0]
		b.waiting = b.waiting[1:]
		p := b.people[u]
		p.isQueued = false
		state := p.state(now)
		for a, before := range p.watchers {
			if before == state {
				continue
			}
			if b.credit < 1 {
				b.queue(u, p) // behind the others, with those who aren't told yet
				break
			}
			b.credit--
			p.watchers[a] = state
			told = append(told, Telling{a, u, state})
		}
		b.forget(u)
		if b.credit < 1 {
			break
		}
	}
	return told
}

// expire finds who is there no more, and nobody has said so.
func (b *Board) expire(now time.Time) {
	for u, p := range b.people {
		if online := p.state(now).Online; online != p.online {
			p.online = online
			b.queue(u, p)
		}
	}
}
