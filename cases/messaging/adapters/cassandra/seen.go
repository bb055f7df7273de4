package cassandra

import "sync"

// A seen remembers what this process has written of an index, such as the parts
// of an inbox, so that only the first item of a part writes it. It may forget:
// then it is written again, which changes nothing.
type seen[K comparable] struct {
	mu   sync.Mutex
	keys map[K]bool
}

// maxSeen bounds it: some 20 MB.
const maxSeen = 100_000

func newSeen[K comparable]() *seen[K] { return &seen[K]{keys: map[K]bool{}} }

func (s *seen[K]) has(key K) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys[key]
}

// add remembers keys. Call it when they are stored, not before.
func (s *seen[K]) add(keys []K) {
	if len(keys) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.keys)+len(keys) > maxSeen {
		clear(s.keys)
	}
	for _, key := range keys {
		s.keys[key] = true
	}
}
