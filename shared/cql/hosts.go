package cql

import (
	"slices"
	"sync"

	"github.com/gocql/gocql"
)

// contactPoints is the driver's choice of a host where it is not to discover
// the ring: each in turn. Unlike the driver's own policies it tells hosts apart
// by their ID and not by their address.
//
// A driver that doesn't look at the ring when it begins gives every host an ID
// that it invents. After a lost connection it does look, finds each host again
// under its true ID, and adds that one and removes the invented one at the same
// time. By address the two are one; with the removal as the last there would be
// no host left, and no call would ever be made again.
type contactPoints struct {
	mu    sync.Mutex
	hosts []*gocql.HostInfo // replaced as a whole, never changed
	turn  int
}

// chosen is a host as the driver wants it from Pick.
type chosen struct{ host *gocql.HostInfo }

func (c chosen) Info() *gocql.HostInfo { return c.host }
func (c chosen) Mark(error)            {}

// Pick offers every host once, and each call begins with the next one.
func (p *contactPoints) Pick(gocql.ExecutableQuery) gocql.NextHost {
	p.mu.Lock()
	hosts, first := p.hosts, p.turn
	p.turn++
	p.mu.Unlock()
	offered := 0
	return func() gocql.SelectedHost {
		if offered == len(hosts) {
			return nil
		}
		host := hosts[(first+offered)%len(hosts)]
		offered++
		return chosen{host}
	}
}

func (p *contactPoints) AddHost(host *gocql.HostInfo) { p.replace(host, host) }

func (p *contactPoints) RemoveHost(host *gocql.HostInfo) { p.replace(host) }

// replace puts the others, if any, in the place of the host.
func (p *contactPoints) replace(host *gocql.HostInfo, others ...*gocql.HostInfo) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := host.HostID()
	rest := slices.DeleteFunc(slices.Clone(p.hosts), func(h *gocql.HostInfo) bool { return h.HostID() == id })
	p.hosts = append(rest, others...)
}

func (p *contactPoints) HostUp(host *gocql.HostInfo)   { p.AddHost(host) }
func (p *contactPoints) HostDown(host *gocql.HostInfo) { p.RemoveHost(host) }

// The rest of the driver's interface is of no use to it: where a row is kept and
// how far away a host is, it doesn't ask.
func (p *contactPoints) Init(*gocql.Session)                       {}
func (p *contactPoints) IsLocal(*gocql.HostInfo) bool              { return true }
func (p *contactPoints) SetPartitioner(string)                     {}
func (p *contactPoints) KeyspaceChanged(gocql.KeyspaceUpdateEvent) {}

// neverDown has the driver never give up a host that it couldn't connect to.
//
// Otherwise it drops the host's connections and counts on connecting anew, but a
// connection that is being made at that moment marks the host as up again: with
// no connections, and nobody to make any. A host that stays up is connected to
// by the next call that asks for it, in the background, while this call goes to
// another host or fails.
type neverDown struct{}

func (neverDown) AddFailure(error, *gocql.HostInfo) bool { return false }
func (neverDown) Reset(*gocql.HostInfo)                  {}
