package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"designkits/cases/messaging/client/e2e"
)

// Where things stand in the Store, beside what e2e keeps.
const (
	keyMe     = "chat/me"
	keyItem   = "chat/item/"   // + conversation + "/" + number
	keyOut    = "chat/out/"    // + number: what waits to be sent
	keyRoster = "chat/roster/" // + conversation
	keySeen   = "chat/seen/"   // + conversation: how far the person has read it
	keyName   = "chat/name/"   // + user
	keyTold   = "chat/told/"   // + conversation: the others were told of this device
	keyUsed   = "chat/used/"   // + blob: its message is sent, and the server doesn't know
)

// A staged Store holds changes back until flush makes them one change of the Store
// below: the ratchet that a message has turned, and the message.
type staged struct {
	below e2e.Store

	mu      sync.Mutex
	changes map[string][]byte
}

func (s *staged) Get(key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if value, ok := s.changes[key]; ok {
		return value, nil
	}
	return s.below.Get(key)
}

func (s *staged) Keys(prefix string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, err := s.below.Keys(prefix)
	if err != nil {
		return nil, err
	}
	all := map[string]bool{}
	for _, key := range stored {
		all[key] = true
	}
	for key, value := range s.changes {
		if strings.HasPrefix(key, prefix) {
			all[key] = value != nil
		}
	}
	maps.DeleteFunc(all, func(_ string, there bool) bool { return !there })
	return slices.Sorted(maps.Keys(all)), nil
}

func (s *staged) Apply(changes map[string][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.changes, changes)
	return nil
}

// put stages a value as JSON; nil deletes it.
func (s *staged) put(key string, value any) error {
	if value == nil {
		return s.Apply(map[string][]byte{key: nil})
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("keep %s: %w", key, err)
	}
	return s.Apply(map[string][]byte{key: text})
}

// flush stores what is staged. After an error nothing of it is stored, and the
// client goes no further.
func (s *staged) flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.changes) == 0 {
		return nil
	}
	if err := s.below.Apply(s.changes); err != nil {
		return fmt.Errorf("keep the device's state: %w", err)
	}
	s.changes = map[string][]byte{}
	return nil
}

// drop forgets what is staged.
func (s *staged) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes = map[string][]byte{}
}

// each calls do with every value under a prefix, in the order of the keys.
func each[T any](s *staged, prefix string, do func(rest string, value T)) error {
	keys, err := s.Keys(prefix)
	if err != nil {
		return err
	}
	for _, key := range keys {
		text, err := s.Get(key)
		if err != nil {
			return err
		}
		var value T
		if err := json.Unmarshal(text, &value); err != nil {
			return fmt.Errorf("read %s of the device's state: %w", key, err)
		}
		do(strings.TrimPrefix(key, prefix), value)
	}
	return nil
}
