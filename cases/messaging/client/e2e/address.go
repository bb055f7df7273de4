package e2e

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"go.mau.fi/libsignal/protocol"
)

// An Address is one device of one person.
type Address struct {
	User   string `json:"user"`
	Device uint32 `json:"device"` // from 1
}

// String is "user:device", as ParseAddress reads it. The user is escaped, so
// that no two addresses look alike.
func (a Address) String() string {
	return url.PathEscape(a.User) + ":" + strconv.FormatUint(uint64(a.Device), 10)
}

// ParseAddress is the inverse of String.
func ParseAddress(text string) (Address, error) {
	at := strings.LastIndexByte(text, ':')
	if at < 0 {
		return Address{}, fmt.Errorf("address %q: it is not user:device", text)
	}
	user, err := url.PathUnescape(text[:at])
	if err != nil {
		return Address{}, fmt.Errorf("address %q: %w", text, err)
	}
	device, err := strconv.ParseUint(text[at+1:], 10, 32)
	if err != nil {
		return Address{}, fmt.Errorf("address %q: its device: %w", text, err)
	}
	a := Address{User: user, Device: uint32(device)}
	return a, a.check()
}

func (a Address) check() error {
	if a.User == "" || a.Device == 0 {
		return fmt.Errorf("address %s: it needs a user and a device from 1", a)
	}
	return nil
}

func (a Address) signal() *protocol.SignalAddress {
	return protocol.NewSignalAddress(a.User, a.Device)
}

func addressOf(s *protocol.SignalAddress) Address {
	return Address{User: s.Name(), Device: s.DeviceID()}
}
