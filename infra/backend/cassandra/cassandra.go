// Package cassandra is Cassandra 5 as a backend: one node, or a cluster of three.
//
// What was acknowledged survives a kill of the process, and a crash of the
// machine as far as its disk does: the commit log is flushed before the answer,
// and the next start replays it. JMX is off.
package cassandra

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"log"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/gocql/gocql"

	"designkits/infra/backend"
	"designkits/infra/backend/jvm"
	"designkits/infra/provision"
	"designkits/infra/supervise"
)

const (
	name    = "cassandra"
	version = "5.0.5"
	cql     = "cql"
	storage = "storage"
)

//go:embed pom.xml
var pom []byte

//go:embed cassandra.yaml
var config string

//go:embed logback.xml
var logback []byte

var configTemplate = template.Must(template.New("cassandra.yaml").Parse(config))

var jars = provision.Maven{Name: name, Version: version, POM: pom, Bytes: 72_000_000}

// Backend is Cassandra.
var Backend = backend.Backend{
	Name:    name,
	Version: version,
	Ports:   []backend.Port{{Name: cql, Number: 9042}, {Name: storage, Number: 7000, Internal: true}},
	Memory:  1200 << 20,
	Sources: []provision.Source{jars},
	Units:   units,
	Ready:   ready,
	Drop:    drop,
}

func units(site backend.Site) ([]supervise.Spec, error) {
	spec, err := node(site, "127.0.0.1", []string{"127.0.0.1"}, jvm.Server{Name: name, Heap: 768, Options: []string{
		// A single node has nobody to wait for.
		"-Dcassandra.ring_delay_ms=100",
	}})
	return []supervise.Spec{spec}, err
}

// node is one server, with its data in a site of its own: the one of the ring that
// listens there. Each may find the others by any, so that it may start again
// whichever are dead.
func node(site backend.Site, listen string, ring []string, server jvm.Server) (supervise.Spec, error) {
	conf := site.Path("conf")
	if err := os.MkdirAll(conf, 0o755); err != nil {
		return supervise.Spec{}, fmt.Errorf("make the data folder of %s: %w", server.Name, err)
	}
	var seeds []string
	for _, address := range ring {
		seeds = append(seeds, net.JoinHostPort(address, strconv.Itoa(site.Ports[storage])))
	}
	var text bytes.Buffer
	if err := configTemplate.Execute(&text, map[string]any{
		"CQL": site.Ports[cql], "Storage": site.Ports[storage], "Data": site.Data, "Listen": listen, "Seeds": strings.Join(seeds, ","),
	}); err != nil {
		return supervise.Spec{}, fmt.Errorf("write the configuration of %s: %w", server.Name, err)
	}
	for file, content := range map[string][]byte{"cassandra.yaml": text.Bytes(), "logback.xml": logback} {
		if err := os.WriteFile(site.Path("conf", file), content, 0o644); err != nil {
			return supervise.Spec{}, fmt.Errorf("write the configuration of %s: %w", server.Name, err)
		}
	}
	server.Jars, server.Exports, server.Opens = jars, exports, opens
	server.Main = "org.apache.cassandra.service.CassandraDaemon"
	server.Options = append(server.Options,
		"-Djdk.attach.allowAttachSelf=true",
		"-Djava.security.manager=allow",
		"-Dcassandra.skip_wait_for_gossip_to_settle=0",
		"-Dcassandra.superuser_setup_delay_ms=0",
		"-Dcassandra.shutdown_announce_in_ms=0",
		"-Dcassandra-foreground=yes",
		"-Dcassandra.config="+(&url.URL{Scheme: "file", Path: site.Path("conf", "cassandra.yaml")}).String(),
		"-Dcassandra.storagedir="+site.Data,
		"-Dlogback.configurationFile="+site.Path("conf", "logback.xml"),
	)
	ports := []int{site.Ports[cql]}
	if listen == "127.0.0.1" {
		ports = append(ports, site.Ports[storage])
	}
	return server.Unit(site, ready, site.Addr(cql), ports...)
}

// What Cassandra 5.0 needs of a JDK 17, from its own jvm17-server.options.
var (
	exports = []string{
		"java.base/jdk.internal.misc", "java.base/jdk.internal.ref", "java.base/jdk.internal.util",
		"java.base/java.lang.ref", "java.base/sun.nio.ch", "java.management.rmi/com.sun.jmx.remote.internal.rmi",
		"java.rmi/sun.rmi.registry", "java.rmi/sun.rmi.server", "java.sql/java.sql",
	}
	opens = []string{
		"java.base/java.lang.module", "java.base/java.lang.reflect", "java.base/jdk.internal.loader",
		"java.base/jdk.internal.ref", "java.base/jdk.internal.reflect", "java.base/jdk.internal.math",
		"java.base/jdk.internal.module", "java.base/jdk.internal.util.jar", "java.base/sun.nio.ch",
		"java.base/java.io", "java.base/java.nio", "java.base/java.util", "java.base/java.util.concurrent",
		"java.base/java.util.concurrent.atomic", "java.base/java.lang",
		"jdk.management/com.sun.management.internal", "java.rmi/sun.rmi.transport.tcp",
	}
)

// open makes a session of one connection. gocql has no context for it, so the
// context's deadline becomes the time limit of its connection.
func open(ctx context.Context, site backend.Site) (*gocql.Session, error) {
	cluster := gocql.NewCluster(site.Addr(cql))
	cluster.NumConns = 1
	cluster.DisableInitialHostLookup = true
	cluster.ProtoVersion = 4
	cluster.ConnectTimeout = 2 * time.Second
	cluster.Timeout = 30 * time.Second
	if deadline, ok := ctx.Deadline(); ok {
		cluster.ConnectTimeout = min(cluster.ConnectTimeout, time.Until(deadline))
		cluster.Timeout = min(cluster.Timeout, time.Until(deadline))
	}
	// What fails is told by the error; the driver would print it too, each time
	// that a Cassandra which is still starting is asked whether it's ready.
	cluster.Logger = log.New(io.Discard, "", 0)
	session, err := cluster.CreateSession()
	if err != nil {
		return nil, fmt.Errorf("cassandra: connect: %w", err)
	}
	return session, nil
}

// ready selects the server's version.
func ready(ctx context.Context, site backend.Site) error {
	if err := site.Reach(ctx, cql); err != nil {
		return fmt.Errorf("cassandra: %w", err)
	}
	session, err := open(ctx, site)
	if err != nil {
		return err
	}
	defer session.Close()
	var release string
	if err := session.Query("SELECT release_version FROM system.local").WithContext(ctx).Scan(&release); err != nil {
		return fmt.Errorf("cassandra: select: %w", err)
	}
	return nil
}

// drop drops the keyspaces within the namespace.
func drop(ctx context.Context, site backend.Site, namespace string) error {
	session, err := open(ctx, site)
	if err != nil {
		return err
	}
	defer session.Close()
	var keyspace string
	var ours []string
	rows := session.Query("SELECT keyspace_name FROM system_schema.keyspaces").WithContext(ctx).Iter()
	for rows.Scan(&keyspace) {
		if backend.Within(keyspace, namespace) {
			ours = append(ours, keyspace)
		}
	}
	if err := rows.Close(); err != nil {
		return fmt.Errorf("cassandra: drop %s: list keyspaces: %w", namespace, err)
	}
	for _, k := range ours {
		quoted := `"` + strings.ReplaceAll(k, `"`, `""`) + `"`
		if err := session.Query("DROP KEYSPACE IF EXISTS " + quoted).WithContext(ctx).Exec(); err != nil {
			return fmt.Errorf("cassandra: drop keyspace %s: %w", k, err)
		}
	}
	return nil
}
