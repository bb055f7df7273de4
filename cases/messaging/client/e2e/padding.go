package e2e

import (
	"fmt"
	"math/bits"
)

// MaxBody is the size of the largest body of one message, in bytes. Encrypted
// for a group it leaves room, in the 64 KiB that the server takes of a message,
// for some sixty envelopes with the sender's key.
const MaxBody = 32 << 10

// minPadded hides the length of what people type most: it is the smallest
// bucket, in bytes.
const minPadded = 256

// bucket is the size that n bytes are padded to. It is Padmé's ("Reducing
// Metadata Leakage from Encrypted Files and Communication with PURBs", PoPETs
// 2019, §4): a length keeps only its highest bits, about as many as its
// exponent has, so that it tells O(log log n) bits and grows by 12 % at most.
func bucket(n int64) int64 {
	if n <= minPadded {
		return minPadded
	}
	exponent := bits.Len64(uint64(n)) - 1
	free := exponent - bits.Len64(uint64(exponent)) // low bits that must be zero
	mask := int64(1)<<free - 1
	return (n + mask) &^ mask
}

// pad appends a mark and zeros up to the bucket (ISO/IEC 7816-4).
func pad(plain []byte) []byte {
	padded := make([]byte, bucket(int64(len(plain))+1))
	copy(padded, plain)
	padded[len(plain)] = 0x80
	return padded
}

func unpad(padded []byte) ([]byte, error) {
	for i := len(padded) - 1; i >= 0; i-- {
		switch padded[i] {
		case 0:
		case 0x80:
			return padded[:i], nil
		default:
			return nil, fmt.Errorf("%w: the padding", ErrMalformed)
		}
	}
	return nil, fmt.Errorf("%w: no padding", ErrMalformed)
}
