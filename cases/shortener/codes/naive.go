package codes

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
)

// Sequential gives out the counter as it is, without the permutation: whoever
// holds one code knows the others. It is what the permutation is measured beside.
type Sequential struct{ *Generator }

// CodeFor is Generator.CodeFor without the permutation.
func (s Sequential) CodeFor(ctx context.Context, target string) (string, error) {
	code, err := s.Generator.CodeFor(ctx, target)
	if err != nil {
		return "", err
	}
	n, err := s.permutation.Number(code)
	if err != nil {
		return "", err
	}
	return formatBase62(n), nil
}

// Hashed makes a code of the target alone: all who shorten one target share one
// link, and its first owner owns it. Two targets meet by chance.
type Hashed struct{}

// CodeFor is the same for the same target.
func (Hashed) CodeFor(_ context.Context, target string) (string, error) {
	sum := sha256.Sum256([]byte(target))
	return formatBase62(binary.BigEndian.Uint64(sum[:8]) % Space), nil
}
