// Package backend says what the kit knows of one backing server. Every server
// has a package of its own below this one that exports a single Backend value,
// and package catalog lists them; a new server is a new folder and a line there.
//
// The same value serves both engines: the native one uses Sources and Units to
// fetch the server and run it as ordinary processes, the docker one lets
// docker-compose.yml do that; Ready and Drop talk to the server in its own
// protocol and do not care who started it.
package backend

import (
	"context"
	"net"
	"path/filepath"
	"strconv"

	"designkits/infra/provision"
	"designkits/infra/supervise"
)

// A Backend is one backing server: Redis, Cassandra, Flink with its three
// processes. It holds no state; all of it lives in a Site.
type Backend struct {
	// Name is the server's name in case.yaml, docker-compose.yml and every
	// command: "redis".
	Name string
	// Version is the one that docker-compose.yml pins too. The native engine
	// accepts what is on PATH when Major agrees.
	Version string
	// Ports are the server's loopback ports; the first is the one its clients
	// use. Numbers are the defaults, before any offset.
	Ports []Port
	// Memory is the resident memory the server is capped to or expected to
	// stay under, in bytes; the sum over a case is checked before starting.
	Memory int64
	// Sources are the things the native engine must have fetched before Units
	// can run.
	Sources []provision.Source
	// Units returns the server's processes in start order. It writes what
	// configuration files they need below site.Data and starts nothing.
	Units func(site Site) ([]supervise.Spec, error)
	// Ready makes one real round trip in the server's protocol: a SELECT, a
	// produce and fetch, a slot count; an open port is not enough. It returns
	// within ctx and may be called again and again.
	Ready func(ctx context.Context, site Site) error
	// Drop removes everything in the server whose name begins with namespace:
	// keyspaces, schemas, keys, topics, jobs. Dropping what is not there is no error.
	Drop func(ctx context.Context, site Site, namespace string) error
}

// A Port is one listening port of a server.
type Port struct {
	Name   string // "cql", "rest"; what ${flink.rest} in a case.yaml refers to
	Number int    // the default, before any offset
	// Internal marks a port that only the server's own processes talk to.
	Internal bool
}

// A Site is where one instance of a Backend runs: its addresses and folders.
type Site struct {
	// Ports maps a port's name to the number in use.
	Ports map[string]int
	// Data is the server's own folder, kept by `kit down`, removed by `kit reset`.
	Data string
	// Cache is the folder that holds what the Sources fetched, shared by all
	// checkouts of one user.
	Cache string
	// Edge names the case whose page is asked for, if any. Only a server whose
	// configuration can't be changed later looks at it.
	Edge string
}

// Addr returns the loopback address of the named port, "127.0.0.1:6379".
func (s Site) Addr(port string) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Ports[port]))
}

// Reach returns an error at once where nothing listens on the named port. The
// clients that Ready asks by would go on trying, or log each failure.
func (s Site) Reach(ctx context.Context, port string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Addr(port))
	if err != nil {
		return err
	}
	return conn.Close()
}

// Path returns a path below the site's data folder.
func (s Site) Path(elem ...string) string {
	return filepath.Join(append([]string{s.Data}, elem...)...)
}
