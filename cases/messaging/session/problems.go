package session

import (
	"context"
	"errors"

	"designkits/cases/messaging"
	"designkits/cases/messaging/wire"
)

// errTooOften: the device sends more than it may.
var errTooOften = errors.New("you send too fast: wait a moment")

// problem is the frame that says why another couldn't be followed. What the
// stores have to say is not for others' eyes.
func problem(ref string, err error) wire.Error {
	kind := messaging.KindOf(err)
	p := wire.Error{Ref: ref, Kind: kind}
	var invalid *messaging.Invalid
	var many *messaging.TooMany
	switch {
	case errors.Is(err, errTooOften):
		p.Kind, p.Detail, p.Again = "too-often", errTooOften.Error(), true
	case errors.As(err, &invalid):
		p.Field, p.Detail = invalid.Field, invalid.Error()
	case errors.As(err, &many):
		p.Detail = many.Limit
	case kind == "busy" || kind == "not-owner":
		p.Kind, p.Detail, p.Again = "busy", messaging.ErrBusy.Error(), true
	case messaging.OfKind(kind) != nil:
		p.Detail = messaging.OfKind(kind).Error()
	default:
		p.Detail, p.Again = "it couldn't be done just now; send the same again", true
	}
	return p
}

// refuse answers a frame that couldn't be followed.
func (s *Session) refuse(ref string, err error) {
	p := problem(ref, err)
	s.hub.Counts.Refused.Add(1)
	if p.Kind == "unavailable" && !errors.Is(err, context.Canceled) {
		s.hub.cfg.Log.Warn("a frame couldn't be followed", "device", s.device.String(), "error", err.Error())
	}
	s.conn.Send(wire.Encode(p))
}

func refOf(frame any) string {
	switch f := frame.(type) {
	case *wire.Send:
		return f.Ref
	case *wire.History:
		return f.Ref
	case *wire.Members:
		return f.Ref
	case *wire.Resume:
		return f.Ref
	case *wire.Watch:
		return f.Ref
	}
	return ""
}
