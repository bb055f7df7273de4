package e2e_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"designkits/cases/messaging/client/e2e"
)

func TestADeviceGoesOnFromItsExport(t *testing.T) {
	memory := e2e.NewMemory()
	alice, err := e2e.Create(memory, address("alice", 1), monday)
	if err != nil {
		t.Fatal(err)
	}
	bob := newDevice(t, "bob", 1)
	start(t, alice, bob)
	reads(t, bob, alice, encrypt(t, alice, bob, "one"), "one")
	exported, err := memory.Export()
	if err != nil {
		t.Fatal(err)
	}
	imported, err := e2e.Import(exported)
	if err != nil {
		t.Fatal(err)
	}
	if alice, err = e2e.Open(imported); err != nil {
		t.Fatal(err)
	}
	reads(t, alice, bob, encrypt(t, bob, alice, "two"), "two")
	reads(t, bob, alice, encrypt(t, alice, bob, "three"), "three")
	for _, bad := range []string{"", "{}", `{"version":2,"entries":{}}`, `{"version":1}`} {
		if _, err := e2e.Import([]byte(bad)); !errors.Is(err, e2e.ErrMalformed) {
			t.Errorf("%q was imported: %v", bad, err)
		}
	}
}

func TestADeviceGoesOnFromItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alice")
	file, err := e2e.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e2e.Open(file); !errors.Is(err, e2e.ErrNoDevice) {
		t.Errorf("an empty store: %v", err)
	}
	alice, err := e2e.Create(file, address("alice", 1), monday)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e2e.Create(file, address("alice", 2), monday); err == nil {
		t.Error("two devices in one store")
	}
	bob := newDevice(t, "bob", 1)
	start(t, alice, bob)
	reads(t, bob, alice, encrypt(t, alice, bob, "one"), "one")
	if _, err := e2e.OpenFile(path); err == nil {
		t.Fatal("two processes have the same device")
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info.Mode(), err)
	}
	if file, err = e2e.OpenFile(path); err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if alice, err = e2e.Open(file); err != nil {
		t.Fatal(err)
	}
	reads(t, alice, bob, encrypt(t, bob, alice, "two"), "two")
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 2 { // and its lock
		t.Errorf("the folder has %v, %v", left, err)
	}
}

// TestWhatCannotBeStoredHasNotHappened takes the disk away: no ciphertext may
// leave whose key is not known to be used.
func TestWhatCannotBeStoredHasNotHappened(t *testing.T) {
	store := &fragile{Memory: e2e.NewMemory()}
	alice, err := e2e.Create(store, address("alice", 1), monday)
	if err != nil {
		t.Fatal(err)
	}
	bob := newDevice(t, "bob", 1)
	start(t, alice, bob)
	store.broken = errors.New("the disk is full")
	if envelope, err := alice.Encrypt(bob.Address(), []byte("x")); !errors.Is(err, store.broken) || envelope != nil {
		t.Errorf("encrypt: %d bytes, %v", len(envelope), err)
	}
	if _, err := alice.AddPreKeys(1); !errors.Is(err, store.broken) {
		t.Errorf("add prekeys: %v", err)
	}
	store.broken = nil
	reads(t, bob, alice, encrypt(t, alice, bob, "y"), "y")
	if added, err := alice.AddPreKeys(1); err != nil || added[0].ID != e2e.OneTimeKeys+1 {
		t.Errorf("add prekeys: %v, %v", added, err)
	}
}

type fragile struct {
	*e2e.Memory
	broken error
}

func (f *fragile) Apply(changes map[string][]byte) error {
	if f.broken != nil {
		return f.broken
	}
	return f.Memory.Apply(changes)
}
