package messaging

import "errors"

// kinds are the stable words for what can be wrong, wherever it is told.
var kinds = []struct {
	kind string
	err  error
}{
	{"not-member", ErrNotMember}, {"not-allowed", ErrNotAllowed}, {"not-found", ErrNotFound}, {"revoked", ErrRevoked},
	{"too-many", ErrTooMany}, {"busy", ErrBusy}, {"not-owner", ErrNotOwner}, {"taken", ErrTaken},
}

// KindOf is the word for an error: "not-member", "invalid", "busy", …; and
// "unavailable" for one that isn't the domain's.
func KindOf(err error) string {
	if _, ok := errors.AsType[*Invalid](err); ok {
		return "invalid"
	}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k.kind
		}
	}
	return "unavailable"
}

// OfKind is the error of such a word, nil for one that isn't the domain's.
func OfKind(kind string) error {
	for _, k := range kinds {
		if k.kind == kind {
			return k.err
		}
	}
	return nil
}
