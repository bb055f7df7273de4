package httpapi

import (
	"maps"
	"slices"
)

// KeysRoutes returns the routes of Keys.
func KeysRoutes() []string { return slices.Sorted(maps.Keys((&Keys{}).routes())) }

// MediaRoutes returns the routes of Media.
func MediaRoutes() []string { return slices.Sorted(maps.Keys((&Media{}).routes())) }
