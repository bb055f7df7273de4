package codes

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// A Permutation shuffles the numbers below Space by a secret key, so that
// the codes of one counter look random: whoever holds some can't tell the next,
// nor how many there are. It is a bijection, so different numbers always have
// different codes and nothing has to be checked for collisions.
//
// It is a balanced Feistel network on 42 bits with AES as the round function,
// after the pattern of FF1 (NIST SP 800-38G), and cycle walking: Space is a
// little under 2^42, and a result outside of it is put through again until it
// falls inside, 1.25 times on average. Cycle walking keeps the bijection (Black
// and Rogaway, CT-RSA 2002).
//
// What it doesn't give: a code is not a secret. 42 bits can be searched by
// asking the server, which is what its rate limits are for.
type Permutation struct {
	block       cipher.Block
	fingerprint string
}

const (
	halfBits = 21
	halfMask = 1<<halfBits - 1
	// feistelRounds follows FF1: four rounds are enough in theory for a random
	// round function (Luby and Rackoff), ten are the standard's margin on
	// domains this small.
	feistelRounds = 10
	// minKeyBytes is the least a key may have to be worth the name.
	minKeyBytes = 16
)

// NewPermutation returns the permutation of the key, any 16 bytes or more.
// Keep the key: another one makes other codes out of the same numbers, which
// would then collide with the ones already given out.
func NewPermutation(key []byte) (*Permutation, error) {
	if len(key) < minKeyBytes {
		return nil, fmt.Errorf("code key: %d bytes are too few, at least %d are needed: set CODE_KEY to 32 random characters and keep it", len(key), minKeyBytes)
	}
	// Two keys out of one, so that the stored fingerprint tells nothing about
	// the one that the rounds use.
	round, err := hkdf.Key(sha256.New, key, nil, "shortener code rounds", 16)
	if err != nil {
		return nil, fmt.Errorf("code key: derive the round key: %w", err)
	}
	print, err := hkdf.Key(sha256.New, key, nil, "shortener code fingerprint", 8)
	if err != nil {
		return nil, fmt.Errorf("code key: derive the fingerprint: %w", err)
	}
	block, err := aes.NewCipher(round)
	if err != nil {
		return nil, fmt.Errorf("code key: %w", err)
	}
	return &Permutation{block: block, fingerprint: hex.EncodeToString(print)}, nil
}

// Fingerprint names the key without giving it away.
func (p *Permutation) Fingerprint() string { return p.fingerprint }

// Code returns the code of a number below Space.
func (p *Permutation) Code(n uint64) string {
	for {
		if n = p.forward(n); n < Space {
			return formatBase62(n)
		}
	}
}

// Number is the inverse of Code.
func (p *Permutation) Number(code string) (uint64, error) {
	n, err := parseBase62(code)
	if err != nil {
		return 0, err
	}
	for {
		if n = p.backward(n); n < Space {
			return n, nil
		}
	}
}

func (p *Permutation) forward(n uint64) uint64 {
	left, right := n>>halfBits, n&halfMask
	var block [aes.BlockSize]byte
	for round := range feistelRounds {
		left, right = right, left^p.round(&block, round, right)
	}
	return left<<halfBits | right
}

func (p *Permutation) backward(n uint64) uint64 {
	left, right := n>>halfBits, n&halfMask
	var block [aes.BlockSize]byte
	for round := feistelRounds - 1; round >= 0; round-- {
		left, right = right^p.round(&block, round, left), left
	}
	return left<<halfBits | right
}

// round is the round function: AES over the round's number and one half, cut
// to 21 bits. The block is the caller's, so that a call allocates at most once.
func (p *Permutation) round(block *[aes.BlockSize]byte, round int, half uint64) uint64 {
	clear(block[:])
	block[0] = byte(round)
	binary.BigEndian.PutUint64(block[8:], half)
	p.block.Encrypt(block[:], block[:])
	return binary.BigEndian.Uint64(block[:8]) & halfMask
}
