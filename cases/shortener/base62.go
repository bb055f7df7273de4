package shortener

import (
	"fmt"
	"strings"
)

// base62 is the alphabet of generated codes: what may stand in a URL without
// being escaped and survives a double click, dictation and a printed page.
const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// CodeLength is the length of every generated code.
const CodeLength = 7

// CodeSpace is how many generated codes there are: 62^7, about 3.5 × 10^12. At
// 8.5 million links a day they last for more than 1,100 years.
const CodeSpace uint64 = 62 * 62 * 62 * 62 * 62 * 62 * 62

// formatBase62 writes n < CodeSpace with CodeLength digits.
func formatBase62(n uint64) Code {
	var digits [CodeLength]byte
	for i := CodeLength - 1; i >= 0; i-- {
		digits[i] = base62[n%62]
		n /= 62
	}
	return Code(digits[:])
}

// parseBase62 is the inverse of formatBase62.
func parseBase62(code Code) (uint64, error) {
	if len(code) != CodeLength {
		return 0, fmt.Errorf("code %q has %d characters, not %d", code, len(code), CodeLength)
	}
	var n uint64
	for i := range CodeLength {
		digit := strings.IndexByte(base62, code[i])
		if digit < 0 {
			return 0, fmt.Errorf("code %q has %q, which is no base62 digit", code, code[i])
		}
		n = n*62 + uint64(digit)
	}
	return n, nil
}

// Generated reports whether the code has the shape of a generated one: exactly
// seven base62 characters. Everything else can only be an alias.
func (c Code) Generated() bool {
	if len(c) != CodeLength {
		return false
	}
	for i := range CodeLength {
		if !isAlphanumeric(c[i]) {
			return false
		}
	}
	return true
}

func isAlphanumeric(b byte) bool {
	return '0' <= b && b <= '9' || 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z'
}
