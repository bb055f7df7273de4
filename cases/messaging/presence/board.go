package presence

import (
	"slices"
	"time"

	"designkits/cases/messaging"
)

// A Board knows who is there and tells who watches. It isn't safe for use by many
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

// A person is somebody who is there, was lately, or is watched.
type person struct {
	devices  map[messaging.DeviceID]time.Time // until when each is there
	lastSeen time.Time
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

func (b *Board) person(u messaging.UserID) *person {
	p := b.people[u]
	if p == nil {
		p = &person{devices: map[messaging.DeviceID]time.Time{}, watchers: map[messaging.Address]State{}}
		b.people[u] = p
	}
	return p
}

// Beat says that a device is there, at least for BeatFor.
func (b *Board) Beat(now time.Time, a messaging.Address) {
	p := b.person(a.User)
	p.devices[a.Device], p.lastSeen = now.Add(BeatFor), now
	b.queue(a.User, p)
}

// Left says that a device has closed its connection. It isn't told before Grace.
func (b *Board) Left(now time.Time, a messaging.Address) {
	p := b.people[a.User]
	if p == nil {
		return
	}
	if until, ok := p.devices[a.Device]; ok && until.After(now.Add(Grace)) {
		p.devices[a.Device], p.lastSeen = now.Add(Grace), now
	}
}

// Seen says when somebody was last there, as it was stored.
func (b *Board) Seen(u messaging.UserID, at time.Time) {
	if p := b.person(u); at.After(p.lastSeen) {
		p.lastSeen = at
		b.queue(u, p)
	}
}

// Watch replaces whom a device watches: those whom it may see, which is for the
// caller to find out. Of more than MaxWatched the first are watched.
func (b *Board) Watch(a messaging.Address, users []messaging.UserID) {
	users = slices.Compact(slices.Sorted(slices.Values(users[:min(len(users), MaxWatched)])))
	for _, u := range b.watching[a] {
		if _, stays := slices.BinarySearch(users, u); !stays {
			delete(b.people[u].watchers, a)
			b.forget(u)
		}
	}
	for _, u := range users {
		p := b.person(u)
		if _, known := p.watchers[a]; !known {
			p.watchers[a] = State{LastSeen: untold}
			b.queue(u, p)
		}
	}
	if b.watching[a] = users; len(users) == 0 {
		delete(b.watching, a)
	}
}

// untold is what no state is, so that whoever begins to watch is told the first.
var untold = time.Unix(-1, 0)

// State is how somebody stands.
func (b *Board) State(now time.Time, u messaging.UserID) State {
	if p := b.people[u]; p != nil {
		return p.state(now)
	}
	return State{}
}

func (p *person) state(now time.Time) State {
	for _, until := range p.devices {
		if until.After(now) {
			return State{Online: true} // when they were last seen is now
		}
	}
	return State{LastSeen: p.lastSeen}
}

func (b *Board) queue(u messaging.UserID, p *person) {
	if !p.isQueued && len(p.watchers) > 0 {
		p.isQueued = true
		b.waiting = append(b.waiting, u)
	}
}

// forget drops somebody of whom nothing need be known.
func (b *Board) forget(u messaging.UserID) {
	if p := b.people[u]; len(p.devices) == 0 && len(p.watchers) == 0 && !p.isQueued {
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

// expire finds who is there no more.
func (b *Board) expire(now time.Time) {
	for u, p := range b.people {
		for d, until := range p.devices {
			if !until.After(now) {
				delete(p.devices, d)
				b.queue(u, p)
			}
		}
		b.forget(u)
	}
}
