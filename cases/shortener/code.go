package shortener

import (
	"context"

	"designkits/cases/shortener/codes"
)

// A Code is the part of a short address after the slash: seven base62
// characters for a generated one (see package codes), something else for a custom
// alias (see alias.go). The two shapes never overlap, so a generated code can
// never land on an alias and none of them has to be checked for it.
type Code string

// A Coder makes the codes of links that have no alias.
type Coder interface {
	// CodeFor returns the code of a new link to the target: one that no other link has.
	CodeFor(ctx context.Context, target string) (string, error)
}

// Generated reports whether the code has the shape of a generated one: exactly
// seven base62 characters. Everything else can only be an alias.
func (c Code) Generated() bool {
	if len(c) != codes.Length {
		return false
	}
	for i := range codes.Length {
		if !isAlphanumeric(c[i]) {
			return false
		}
	}
	return true
}

// Possible reports whether the code can be anybody's: a generated code or an
// alias by its letters and length. What can't be needn't be looked up.
func (c Code) Possible() bool {
	if len(c) < MinAlias || len(c) > MaxAlias {
		return false
	}
	for i := range len(c) {
		if !isAlphanumeric(c[i]) && c[i] != '-' && c[i] != '_' {
			return false
		}
	}
	return true
}

func isAlphanumeric(b byte) bool {
	return '0' <= b && b <= '9' || 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z'
}
