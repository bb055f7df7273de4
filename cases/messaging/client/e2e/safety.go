package e2e

import (
	"bytes"
	"crypto/sha512"
	"slices"
	"strings"

	"go.mau.fi/libsignal/fingerprint"
)

// fingerprintRounds makes it slow to look for a key with a given fingerprint:
// Signal's figure, with which the 100 bits of one half are worth 112.
const fingerprintRounds = 5200

// SafetyNumber is Signal's numeric fingerprint of two people and the identity
// keys of their devices: 12 groups of five digits, the same whoever is named first.
func SafetyNumber(user string, keys [][]byte, other string, theirs [][]byte) string {
	digits := fingerprint.NewDisplay(fingerprintOf(user, keys), fingerprintOf(other, theirs)).DisplayText()
	var groups []string
	for group := range slices.Chunk([]byte(digits), 5) {
		groups = append(groups, string(group))
	}
	return strings.Join(groups, " ")
}

// fingerprintOf is one person's half, in libsignal's version 0.
func fingerprintOf(user string, keys [][]byte) []byte {
	keys = slices.SortedFunc(slices.Values(keys), bytes.Compare)
	all := bytes.Join(keys, nil)
	digest := slices.Concat([]byte{0, 0}, all, []byte(user))
	for range fingerprintRounds {
		sum := sha512.Sum512(append(digest, all...))
		digest = sum[:]
	}
	return digest
}
