package shortener

import (
	"context"
	"fmt"
)

// Uncached reads the store at every call, each caller for itself: what a
// Resolver is good for shows beside it. Everything else is the Resolver's.
type Uncached struct{ *Resolver }

// Resolve implements the redirect's part of a Resolver.
func (u Uncached) Resolve(ctx context.Context, code Code) (Link, error) {
	u.storeReads.Add(1)
	link, err := u.store.Get(ctx, code)
	if err != nil {
		return Link{}, fmt.Errorf("resolve %q: %w", code, err)
	}
	h := held{Entry: Entry{Link: link}}
	return h.at(u.cfg.Clock())
}
