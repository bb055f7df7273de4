package messaging

import (
	"context"
	"crypto/rand"
	"strings"
	"time"
)

// A LinkCode is what a device that is signed in shows, and what is typed into a new
// one to make it the same person's. It is good once and for LinkCodeFor.
type LinkCode string

// LinkCodeFor is how long there is to type a code. Its 45 bits, tried ten times a
// minute from an address (see httpapi.Limits), are guessed by nobody in that time.
const LinkCodeFor = 5 * time.Minute

const linkCodeDigits = 9

// codeDigits are those of Crockford's base 32: no letter looks like a digit.
const codeDigits = "0123456789abcdefghjkmnpqrstvwxyz"

// NewLinkCode returns one that nobody can guess.
func NewLinkCode() LinkCode {
	var random [linkCodeDigits]byte
	_, _ = rand.Read(random[:]) // never fails, see crypto/rand
	for i, b := range random {
		random[i] = codeDigits[b%32] // 256 is a multiple of 32: each is as likely
	}
	return LinkCode(random[:])
}

// ParseLinkCode reads what somebody has typed: in capitals, with hyphens or spaces,
// and with the letters that stand for digits. Its error is a *Invalid.
func ParseLinkCode(text string) (LinkCode, error) {
	typed := strings.NewReplacer("-", "", " ", "", "o", "0", "i", "1", "l", "1").Replace(strings.ToLower(text))
	if len(typed) != linkCodeDigits || strings.Trim(typed, codeDigits) != "" {
		return "", &Invalid{"code", "nine letters and digits, as the other device shows them"}
	}
	return LinkCode(typed), nil
}

// LinkCodes keeps the codes that wait for a device.
type LinkCodes interface {
	// Offer makes the code good for a while.
	Offer(ctx context.Context, code LinkCode, of UserID) error
	// Redeem returns whose it is and spends it, or ErrNotFound. Of many who redeem
	// it at once one succeeds. After another error it may be spent.
	Redeem(ctx context.Context, code LinkCode) (UserID, error)
}

// SignOuts makes known that devices were signed out. A device's token is good for
// weeks by itself; whoever accepts one asks here and the accounts. They know it for
// ever, and this at once, but it may forget.
type SignOuts interface {
	// SignOut makes it known, for as long as a token may last.
	SignOut(ctx context.Context, a Address) error
	// SignedOut reports whether the device was.
	SignedOut(ctx context.Context, a Address) (bool, error)
	// Follow calls apply with each device that is signed out from now on, until the
	// context ends, and returns its error. While the connection is away some may be
	// missed; missed is called when it is back.
	Follow(ctx context.Context, apply func(Address), missed func()) error
}
