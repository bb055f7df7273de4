package zookeeper

import (
	"context"
	"maps"
	"strconv"
	"sync"

	"designkits/cases/messaging"
)

// An OwnerMap is who owns which partition, as far as this process has heard.
type OwnerMap struct {
	session *Session

	mu      sync.Mutex
	owners  map[messaging.Partition]string
	changed chan struct{}
}

// NewOwners returns the map, which is empty until Run has heard.
func (s *Session) NewOwners() *OwnerMap { return &OwnerMap{session: s, changed: make(chan struct{})} }

// Run keeps the map until ctx ends.
func (o *OwnerMap) Run(ctx context.Context) error {
	return o.session.Watch(ctx, Owners, func(members []Member) {
		owners := map[messaging.Partition]string{}
		for _, m := range members {
			if p, err := strconv.Atoi(m.Name); err == nil {
				owners[messaging.Partition(p)] = m.Address
			}
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		o.owners = owners
		close(o.changed)
		o.changed = make(chan struct{})
	})
}

// Owner returns the address of the partition's owner, "" while nobody is known,
// and what is closed when that may have changed.
func (o *OwnerMap) Owner(p messaging.Partition) (address string, changed <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.owners[p], o.changed
}

// All are the addresses of all owners.
func (o *OwnerMap) All() map[messaging.Partition]string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.owners)
}
