package cassandra

import (
	"context"
	"fmt"
	"strconv"

	"designkits/infra/backend"
	"designkits/infra/backend/jvm"
	"designkits/infra/supervise"
)

// ring is where the nodes of the cluster are for each other.
var ring = []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"}

// Three is a cluster of three small nodes, for what only a cluster can show. All
// answer on 127.0.0.1, each on a port of its own; among themselves they are
// 127.0.0.1, .2 and .3, which Linux has and a Mac has not. It is started only
// where something asks for it by name.
var Three = backend.Backend{
	Name:    "cassandra3",
	Version: version,
	Ports: []backend.Port{
		{Name: cql, Number: 9142}, {Name: "cql2", Number: 9143}, {Name: "cql3", Number: 9144},
		{Name: storage, Number: 7100, Internal: true},
	},
	Memory:  3 * (800 << 20),
	Sources: Backend.Sources,
	Units:   unitsOfThree,
	Ready:   readyThree,
	Drop:    drop, // from the first node; the others follow
}

// siteOf is where node n, from 1, is.
func siteOf(site backend.Site, n int) backend.Site {
	port := site.Ports[cql]
	if n > 1 {
		port = site.Ports[cql+strconv.Itoa(n)]
	}
	return backend.Site{
		Ports: map[string]int{cql: port, storage: site.Ports[storage]},
		Data:  site.Path(fmt.Sprintf("node-%d", n)), Cache: site.Cache,
	}
}

func unitsOfThree(site backend.Site) (specs []supervise.Spec, err error) {
	for i, address := range ring {
		n := i + 1
		spec, err := node(siteOf(site, n), address, ring, jvm.Server{
			Name: fmt.Sprintf("cassandra3/node-%d", n), Heap: 512,
			Options: []string{
				// An empty cluster has nothing to hand over to a node that joins.
				"-Dcassandra.auto_bootstrap=false",
				"-Dcassandra.consistent.rangemovement=false",
				"-Dcassandra.ring_delay_ms=2000",
			},
		})
		if err != nil {
			return nil, err
		}
		if i > 0 { // they join one after the other
			spec.Needs = []string{specs[i-1].Name}
		}
		specs = append(specs, spec)
	}
	return specs, nil
}

func readyThree(ctx context.Context, site backend.Site) error {
	for n := 1; n <= len(ring); n++ {
		if err := ready(ctx, siteOf(site, n)); err != nil {
			return fmt.Errorf("node %d: %w", n, err)
		}
	}
	return nil
}
