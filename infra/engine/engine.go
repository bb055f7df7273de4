// Package engine turns what a case asks for into processes to supervise: as
// ordinary processes of this machine (native.go), or as containers described
// by docker-compose.yml (docker.go). Nothing above it knows which it is.
//
// An engine starts nothing itself. It fetches, builds, and hands out specs; the
// supervisor runs them.
package engine

import (
	"context"

	"designkits/infra/backend"
	"designkits/infra/provision"
	"designkits/infra/supervise"
	"designkits/infra/topology"
)

// An Engine runs backends and case processes.
type Engine interface {
	// Name is "native" or "docker".
	Name() string
	// Fetch gets whatever the backends need and this machine lacks: packages,
	// JVM servers, images. What is there already costs nothing.
	Fetch(ctx context.Context, backends []backend.Backend, report Report) error
	// Build makes the case's processes startable.
	Build(ctx context.Context, c topology.Case, report Report) error
	// Backend returns the processes of one server in start order. The last one
	// is ready when the whole server is (Backend.Ready).
	Backend(b backend.Backend, site backend.Site) ([]supervise.Spec, error)
	// Process returns one replica of a case's process.
	Process(c topology.Case, i topology.Instance) (supervise.Spec, error)
	// Wipe removes all that the server has stored. It must not be running.
	Wipe(ctx context.Context, b backend.Backend, site backend.Site) error
}

// A Place is where an engine works.
type Place struct {
	Root  string // the checkout: the folder with go.work and docker-compose.yml
	State string // .kit: data, logs, binaries of this checkout
	Cache string // downloads, shared by all checkouts of one user
}

// A Report receives progress of fetches and builds. It may be called from
// several goroutines.
type Report = func(provision.Progress)
