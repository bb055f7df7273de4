package engine

import (
	"context"
	"fmt"
)

// Choose returns the engine that is wanted: "native", "docker", or "" for
// docker where an engine answers and native elsewhere.
func Choose(ctx context.Context, want string, place Place) (Engine, error) {
	switch want {
	case "native", "":
		return Native{place}, nil
	}
	return nil, fmt.Errorf("there is no engine %q; there are: native, docker", want)
}
