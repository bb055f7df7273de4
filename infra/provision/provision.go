// Package provision fetches what the native engine needs and this machine
// lacks: Debian packages, JVM servers from Maven by a pinned POM, Go tools.
package provision

import "context"

// A Source is one thing to fetch. Sources of one kind that are wanted together
// are fetched by one call of their package manager (see Fetch).
type Source interface {
	// Describe says what it is and about how large the download is, in bytes,
	// for `kit doctor`; installed says that nothing would be fetched.
	Describe(ctx context.Context, cache string) (what string, bytes int64, installed bool)
}
