package gateapi

import (
	"maps"
	"slices"
)

// Routes returns the routes of a server.
func Routes() []string { return slices.Collect(maps.Keys((&Server{}).routes())) }
