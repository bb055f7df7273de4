package shortener

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// An Eraser keeps something that names an owner, beside the links themselves.
type Eraser interface {
	// EraseOwner removes it. Repeating it is harmless.
	EraseOwner(ctx context.Context, owner Owner) error
}

// erasedAtOnce is how many links are removed at a time.
const erasedAtOnce = 8

// Erase removes all links of an owner with their counts, and then whatever else
// names the owner but the key. After an error, the end of the context among
// them, it goes on where it stopped when it is called again.
//
// What stays is a number for each code, so that caches don't bring an old link
// back, for two days; the days on which the code was clicked; and the clicks in
// the log until that forgets them: they name neither the owner nor a visitor.
func (l *Links) Erase(ctx context.Context, owner Owner) error {
	for {
		page, _, err := l.Store.ByOwner(ctx, owner, "", 100)
		if err != nil {
			return fmt.Errorf("erase %s: %w", owner, err)
		}
		if len(page) == 0 {
			break
		}
		links, ctx := errgroup.WithContext(ctx)
		links.SetLimit(erasedAtOnce)
		for _, link := range page {
			links.Go(func() error {
				if err := l.Delete(ctx, owner, link.Code); !errors.Is(err, ErrNotFound) {
					return err
				}
				return nil
			})
		}
		if err := links.Wait(); err != nil {
			return fmt.Errorf("erase %s: %w", owner, err)
		}
	}
	for _, e := range l.Erasers {
		if err := e.EraseOwner(ctx, owner); err != nil {
			return fmt.Errorf("erase %s: %w", owner, err)
		}
	}
	return nil
}
