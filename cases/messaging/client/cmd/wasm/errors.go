//go:build js && wasm

package main

import (
	"errors"
	"syscall/js"

	"designkits/cases/messaging/client/e2e"
)

// errorOf makes an Error whose name a page can tell it by. A KeyChanged has
// user, device, known and now, and can be handed to accept; a MissingSessions
// has addresses.
func errorOf(err error) js.Value {
	e := js.Global().Get("Error").New(err.Error())
	name, further := "Error", fields{}
	var (
		changed *e2e.KeyChanged
		missing *e2e.MissingSessions
	)
	switch {
	case errors.As(err, &changed):
		name = "KeyChanged"
		further = fields{"user": changed.Address.User, "device": int(changed.Address.Device), "known": changed.Known, "now": changed.Now}
	case errors.As(err, &missing):
		name, further = "MissingSessions", fields{"addresses": asJSON{missing.Addresses}}
	case errors.Is(err, e2e.ErrNoSession):
		name = "NoSession"
	case errors.Is(err, e2e.ErrNoGroupKey):
		name = "NoGroupKey"
	case errors.Is(err, e2e.ErrDuplicate):
		name = "Duplicate"
	case errors.Is(err, e2e.ErrUndecryptable):
		name = "Undecryptable"
	case errors.Is(err, e2e.ErrTooLarge):
		name = "TooLarge"
	case errors.Is(err, e2e.ErrMalformed):
		name = "Malformed"
	}
	e.Set("name", name)
	for key, value := range further {
		e.Set(key, valueOf(value))
	}
	return e
}
