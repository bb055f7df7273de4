package messaging

import (
	"regexp"
	"strings"
)

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,31}$`)

// ParseName returns an account's name as it is kept, in lower case, or a *Invalid.
// It has the letters of ASCII alone: a name is how people find each other, and
// "аna" with a Cyrillic а mustn't be found in the place of "ana". What looks like a
// UserID is none, so that either may stand where somebody is meant.
func ParseName(text string) (string, error) {
	name := strings.ToLower(strings.TrimSpace(text))
	if !nameForm.MatchString(name) || UserID(name).Valid() {
		return "", &Invalid{"name", "2 to 32 of the letters a to z, digits, and . _ - inside; and not like an account's id"}
	}
	return name, nil
}

// MaxDeviceName is how long a device's name may be, in bytes.
const MaxDeviceName = 64

// ParseDeviceName returns a device's name, "device" if it is empty, or a *Invalid.
func ParseDeviceName(text string) (string, error) {
	name := strings.TrimSpace(text)
	if name == "" {
		return "device", nil
	}
	if len(name) > MaxDeviceName || strings.ToValidUTF8(name, "") != name || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", &Invalid{"deviceName", "at most 64 bytes of text in one line"}
	}
	return name, nil
}
