package service

import "fmt"

// A Toggle is a setting that reads on or off.
type Toggle bool

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Toggle) UnmarshalText(text []byte) error {
	switch string(text) {
	case "on":
		*t = true
	case "off":
		*t = false
	default:
		return fmt.Errorf("%q is neither on nor off", text)
	}
	return nil
}
