// Package zookeeper is ZooKeeper 3.9 as a backend: one server, standalone.
//
// A change is on the disk (fsync) before it is acknowledged, so it survives a
// kill of the process as well as a crash of the machine. Sessions are part of
// what is stored: one whose client comes back within its timeout, after the
// server was restarted, is the same session, with its ephemeral znodes and with
// its watches, which the client sets again. Its timeout begins anew with the
// server's start. Clients may ask for timeouts from 1 s to 60 s.
//
// It is not an ensemble: there is no quorum to lose and no leader to elect, and
// while the server is away nobody is served. Whoever reaches the port may do
// everything; it listens on loopback only.
//
// A namespace is a chroot path: everything below the znode /NAMESPACE.
package zookeeper

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"text/template"

	"designkits/infra/backend"
	"designkits/infra/backend/jvm"
	"designkits/infra/provision"
	"designkits/infra/supervise"
)

const (
	name    = "zookeeper"
	version = "3.9.5"
	port    = "zookeeper"
	// heap is in MiB. The whole tree is in it; a lease is some hundred bytes.
	heap = 128
)

//go:embed pom.xml
var pom []byte

//go:embed zoo.cfg
var config string

var configTemplate = template.Must(template.New("zoo.cfg").Parse(config))

var jars = provision.Maven{Name: name, Version: version, POM: pom, Bytes: 14_000_000}

// Backend is ZooKeeper.
var Backend = backend.Backend{
	Name:    name,
	Version: version,
	Ports:   []backend.Port{{Name: port, Number: 2181}},
	Memory:  256 << 20,
	Sources: []provision.Source{jars},
	Units:   units,
	Ready:   ready,
	Drop:    drop,
}

func units(site backend.Site) ([]supervise.Spec, error) {
	tree := site.Path("tree")
	if err := os.MkdirAll(tree, 0o755); err != nil {
		return nil, fmt.Errorf("make the data folder of zookeeper: %w", err)
	}
	var text bytes.Buffer
	if err := configTemplate.Execute(&text, map[string]any{"Port": site.Ports[port], "Data": tree}); err != nil {
		return nil, fmt.Errorf("write zookeeper's configuration: %w", err)
	}
	file := site.Path("zoo.cfg")
	if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
		return nil, fmt.Errorf("write zookeeper's configuration: %w", err)
	}
	server := jvm.Server{
		Name: name, Jars: jars, Heap: heap,
		Options: []string{"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true"},
		Main:    "org.apache.zookeeper.server.quorum.QuorumPeerMain", Args: []string{file},
	}
	spec, err := server.Unit(site, ready, site.Addr(port), site.Ports[port])
	return []supervise.Spec{spec}, err
}
