package messaging

import (
	"context"
	"fmt"
)

// A Prekey is a public key that a device has left for one who wants to begin a
// session with it while it is away. It is used once.
type Prekey struct {
	ID  uint32 `json:"id"` // given by the device, never again for another key
	Key []byte `json:"key"`
}

// A Bundle is what begins a session with a device: its identity, a prekey that it
// has signed and that serves many, and prekeys that each serve one. The server
// can't tell whether a signature is right: who claims the bundle checks it.
type Bundle struct {
	Device   Address  `json:"device"`
	Identity []byte   `json:"identity"`
	Signed   []byte   `json:"signed"` // with its number and signature
	OneTime  []Prekey `json:"one_time,omitempty"`
}

// Limits of a bundle. Keys are 33 bytes today; those that withstand a quantum
// computer have 1,600.
const (
	MaxKey     = 4 << 10 // bytes of each part
	MaxOneTime = 100     // prekeys that are published at once
	MaxPrekeys = 1000    // that may be left of a device: what it has at the server is 4 MiB at most
)

// Check is nil or a *Invalid: whether the bundle may be published.
func (b Bundle) Check() error {
	for _, part := range []struct {
		name string
		key  []byte
	}{{"identityKey", b.Identity}, {"signedPreKey", b.Signed}} {
		if err := checkKey(part.name, part.key); err != nil {
			return err
		}
	}
	if len(b.OneTime) > MaxOneTime {
		return &Invalid{"oneTime", fmt.Sprintf("%d prekeys; %d are allowed at once", len(b.OneTime), MaxOneTime)}
	}
	seen := make(map[uint32]bool, len(b.OneTime))
	for _, p := range b.OneTime {
		if err := checkKey("oneTime", p.Key); err != nil {
			return err
		}
		if seen[p.ID] {
			return &Invalid{"oneTime", fmt.Sprintf("number %d stands for two keys", p.ID)}
		}
		seen[p.ID] = true
	}
	return nil
}

func checkKey(field string, key []byte) error {
	if len(key) == 0 || len(key) > MaxKey {
		return &Invalid{field, fmt.Sprintf("a key of %d bytes; one to %d", len(key), MaxKey)}
	}
	return nil
}

// CheckLeft is nil or a *Invalid: whether the bundle's one-time prekeys may be added
// to as many as are left. One that is published again counts again.
func (b Bundle) CheckLeft(left int) error {
	if n := len(b.OneTime); n > 0 && left+n > MaxPrekeys {
		return &Invalid{"oneTime", fmt.Sprintf("%d prekeys are left of this device, and %d may be: publish %d more at most", left, MaxPrekeys, max(MaxPrekeys-left, 0))}
	}
	return nil
}

// Prekeys keeps the bundles of devices. Its methods are called as those of the
// other stores are.
type Prekeys interface {
	// Publish stores the device's identity and signed prekey in place of the ones
	// before, and adds the one-time prekeys to those that are left. One that was
	// claimed doesn't come back by publishing it again. A *Invalid when more than
	// MaxPrekeys would be left; of many calls at the same moment each counts what is
	// there before it.
	Publish(ctx context.Context, b Bundle) error
	// Claim returns the bundle of a device with one of its one-time prekeys, which
	// is gone by that, or with none when none is left; ErrNotFound of a device
	// that has published nothing. Of many who claim at once no two get the same.
	// Repeating it takes another prekey: one whose answer was lost is lost.
	Claim(ctx context.Context, a Address) (Bundle, error)
	// Count returns how many one-time prekeys are left; 0 of an unknown device.
	Count(ctx context.Context, a Address) (int, error)
	// Withdraw drops all of a device's, for good: it was signed out.
	Withdraw(ctx context.Context, a Address) error
}
