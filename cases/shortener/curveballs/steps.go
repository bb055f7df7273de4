package curveballs

import (
	"context"
)

// with binds a fault of the kit to what it is about.
func with(fault func(context.Context, string) error, name string) func(context.Context) error {
	return func(ctx context.Context) error { return fault(ctx, name) }
}
