package codes

import (
	"fmt"
	"strings"
)

// base62 is the alphabet of generated codes: what may stand in a URL without
// being escaped and survives a double click, dictation and a printed page.
const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Length is the length of every generated code.
const Length = 7

// Space is how many generated codes there are: 62^7, about 3.5 × 10^12. At
// 8.5 million links a day they last for more than 1,100 years.
const Space uint64 = 62 * 62 * 62 * 62 * 62 * 62 * 62

// formatBase62 writes n < Space with Length digits.
func formatBase62(n uint64) string {
	var digits [Length]byte
	for i := Length - 1; i >= 0; i-- {
		digits[i] = base62[n%62]
		n /= 62
	}
	return string(digits[:])
}

// parseBase62 is the inverse of formatBase62.
func parseBase62(code string) (uint64, error) {
	if len(code) != Length {
		return 0, fmt.Errorf("code %q has %d characters, not %d", code, len(code), Length)
	}
	var n uint64
	for i := range Length {
		digit := strings.IndexByte(base62, code[i])
		if digit < 0 {
			return 0, fmt.Errorf("code %q has %q, which is no base62 digit", code, code[i])
		}
		n = n*62 + uint64(digit)
	}
	return n, nil
}
