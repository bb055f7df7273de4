package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// A Store keeps a device's state: private keys, sessions, what is known of
// others. One Device has it for itself.
type Store interface {
	// Get returns the value of a key, nil where there is none. The caller doesn't change it.
	Get(key string) ([]byte, error)
	// Keys returns the keys that begin with prefix, sorted.
	Keys(prefix string) ([]string, error)
	// Apply changes all of these keys or, on an error, none; nil deletes one.
	// When it has returned, the changes survive whatever the Store survives.
	// The Store keeps the values; the caller doesn't change them any more.
	Apply(changes map[string][]byte) error
}

// Memory is a Store that lives as long as the process. Export and Import carry
// it over to the next: the browser's client keeps the export in IndexedDB.
type Memory struct {
	mu      sync.Mutex
	entries map[string][]byte
}

// NewMemory returns an empty Store.
func NewMemory() *Memory { return &Memory{entries: map[string][]byte{}} }

func (m *Memory) Get(key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.entries[key], nil
}

func (m *Memory) Keys(prefix string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var keys []string
	for key := range m.entries {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

func (m *Memory) Apply(changes map[string][]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m.entries, changes)
	return nil
}

func change(entries, changes map[string][]byte) {
	maps.Copy(entries, changes)
	maps.DeleteFunc(entries, func(_ string, value []byte) bool { return value == nil })
}

// A snapshot is a whole state as bytes.
type snapshot struct {
	Version int               `json:"version"`
	Entries map[string][]byte `json:"entries"`
}

const snapshotVersion = 1

// Export returns everything, private keys included. An old export must not be
// imported once the device has gone on: it would use keys twice.
func (m *Memory) Export() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return json.Marshal(snapshot{snapshotVersion, m.entries})
}

// Import returns the Store that Export has been called on.
func Import(exported []byte) (*Memory, error) {
	var s snapshot
	if err := json.Unmarshal(exported, &s); err != nil {
		return nil, fmt.Errorf("import a device's state: %w: %w", ErrMalformed, err)
	}
	if s.Version != snapshotVersion || s.Entries == nil {
		return nil, fmt.Errorf("import a device's state: %w: it has version %d, and this client knows %d", ErrMalformed, s.Version, snapshotVersion)
	}
	return &Memory{entries: s.Entries}, nil
}
