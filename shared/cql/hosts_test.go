package cql

import (
	"net"
	"testing"

	"github.com/gocql/gocql"
)

func contactPoint(id, address string) *gocql.HostInfo {
	host := &gocql.HostInfo{}
	host.SetHostID(id)
	return host.SetConnectAddress(net.ParseIP(address))
}

// offers are the IDs of the hosts for one call.
func offers(policy gocql.HostSelectionPolicy) (ids []string) {
	next := policy.Pick(nil)
	for host := next(); host != nil; host = next() {
		ids = append(ids, host.Info().HostID())
	}
	return ids
}

func TestAHostThatComesBackUnderItsTrueIDIsNotLost(t *testing.T) {
	for name, change := range map[string]func(p *contactPoints, invented, real *gocql.HostInfo){
		"added, then removed": func(p *contactPoints, invented, real *gocql.HostInfo) { p.AddHost(real); p.RemoveHost(invented) },
		"removed, then added": func(p *contactPoints, invented, real *gocql.HostInfo) { p.RemoveHost(invented); p.AddHost(real) },
		"up, then removed":    func(p *contactPoints, invented, real *gocql.HostInfo) { p.HostUp(real); p.RemoveHost(invented) },
		"down, then up again": func(p *contactPoints, invented, real *gocql.HostInfo) {
			p.HostDown(invented)
			p.HostUp(real)
			p.HostUp(real)
		},
	} {
		policy := &contactPoints{}
		invented, real := contactPoint("invented", "127.0.0.1"), contactPoint("true", "127.0.0.1")
		policy.AddHost(invented)
		change(policy, invented, real)
		if got := offers(policy); len(got) != 1 || got[0] != "true" {
			t.Errorf("%s: offered are %q, wanted the host by its true ID", name, got)
		}
	}
}

func TestHostsTakeTurns(t *testing.T) {
	policy := &contactPoints{}
	if got := offers(policy); len(got) != 0 {
		t.Errorf("of no hosts %q were offered", got)
	}
	for _, id := range []string{"a", "b", "c"} {
		policy.AddHost(contactPoint(id, "127.0.0.1"))
	}
	first := map[string]int{}
	for range 30 {
		got := offers(policy)
		seen := map[string]bool{}
		for _, id := range got {
			seen[id] = true
		}
		if len(got) != 3 || len(seen) != 3 {
			t.Fatalf("offered were %q, wanted each of three hosts once", got)
		}
		first[got[0]]++
	}
	if first["a"] != 10 || first["b"] != 10 || first["c"] != 10 {
		t.Errorf("the first of 30 calls were %v, wanted 10 each", first)
	}
}
