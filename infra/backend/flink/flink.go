// Package flink is Flink 1.20 as a backend: a session cluster of one JobManager
// and one TaskManager with four slots, and a SQL gateway. Jobs are SQL, sent to
// the gateway; the Kafka connector and JSON are there.
//
// There is no high availability: a JobManager that ends forgets its jobs. Their
// checkpoints stay in the site's data folder below checkpoints/, and whoever
// owns a job submits it again from the last one. A job that wants its
// checkpoints to go with its namespace writes them to checkpoints/NAMESPACE or
// below (execution.checkpointing.dir).
package flink

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"os"
	"text/template"

	"designkits/infra/backend"
	"designkits/infra/backend/jvm"
	"designkits/infra/provision"
	"designkits/infra/supervise"
)

const (
	name    = "flink"
	version = "1.20.3"
	rest    = "rest"
	sql     = "sql"
	rpc     = "rpc"
)

//go:embed pom.xml
var pom []byte

//go:embed config.yaml
var config string

var configTemplate = template.Must(template.New("config.yaml").Parse(config))

var jars = provision.Maven{Name: name, Version: version, POM: pom, Bytes: 189_000_000}

// Backend is Flink.
var Backend = backend.Backend{
	Name:    name,
	Version: version,
	Ports:   []backend.Port{{Name: rest, Number: 8081}, {Name: sql, Number: 8083}, {Name: rpc, Number: 6123, Internal: true}},
	Memory:  1728 << 20,
	Sources: []provision.Source{jars},
	Units:   units,
	Ready:   ready,
	Drop:    drop,
}

func units(site backend.Site) ([]supervise.Spec, error) {
	if err := configure(site); err != nil {
		return nil, err
	}
	conf := site.Path("conf")
	processes := []struct {
		server  jvm.Server
		ready   func(context.Context, backend.Site) error
		ports   []int
		address string
	}{{
		server: jvm.Server{
			Name: "flink/jobmanager", Heap: 256, Light: true,
			Main: "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
			Args: []string{"--configDir", conf, "--host", "127.0.0.1"},
		},
		ready: clusterAnswers, ports: []int{site.Ports[rest], site.Ports[rpc]}, address: site.Addr(rest),
	}, {
		// Its heap is framework plus task heap, its direct memory framework
		// off-heap plus network (config.yaml).
		server: jvm.Server{
			Name: "flink/taskmanager", Heap: 384, Options: []string{"-XX:MaxDirectMemorySize=256m"},
			Main: "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
			Args: []string{"--configDir", conf},
		},
		ready: slotsOffered,
	}, {
		server: jvm.Server{
			Name: "flink/sql-gateway", Heap: 256, Light: true,
			Main: "org.apache.flink.table.gateway.SqlGateway",
		},
		ready: sessionOpens, ports: []int{site.Ports[sql]}, address: site.Addr(sql),
	}}

	var specs []supervise.Spec
	for _, p := range processes {
		server := p.server
		server.Jars = jars
		server.Exports, server.Opens = exports, opens
		// Warnings, and what becomes of the jobs.
		server.Options = append(server.Options,
			"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
			"-Dorg.slf4j.simpleLogger.log.org.apache.flink.runtime.executiongraph.ExecutionGraph=info",
			"-Dorg.slf4j.simpleLogger.showDateTime=true",
			"-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss,SSS")
		spec, err := server.Unit(site, p.ready, p.address, p.ports...)
		if err != nil {
			return nil, err
		}
		spec.Env = []string{
			"FLINK_CONF_DIR=" + conf, "FLINK_HOME=" + site.Data,
			"FLINK_LIB_DIR=" + jars.Lib(site.Cache), "FLINK_OPT_DIR=" + site.Path("opt"),
			"MALLOC_ARENA_MAX=2",
		}
		specs = append(specs, spec)
	}
	return specs, nil
}

// configure writes the configuration and the folders that Flink expects.
func configure(site backend.Site) error {
	for _, dir := range []string{"conf", "opt", "checkpoints", "savepoints"} {
		if err := os.MkdirAll(site.Path(dir), 0o755); err != nil {
			return fmt.Errorf("make the data folder of flink: %w", err)
		}
	}
	folder := func(dir string) string {
		return (&url.URL{Scheme: "file", Path: site.Path(dir)}).String()
	}
	var text bytes.Buffer
	if err := configTemplate.Execute(&text, map[string]any{
		"REST": site.Ports[rest], "SQL": site.Ports[sql], "RPC": site.Ports[rpc],
		"Checkpoints": folder("checkpoints"), "Savepoints": folder("savepoints"),
	}); err != nil {
		return fmt.Errorf("write flink's configuration: %w", err)
	}
	if err := os.WriteFile(site.Path("conf", "config.yaml"), text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write flink's configuration: %w", err)
	}
	return nil
}

// What Flink 1.20 needs of a JDK 17, from its own env.java.opts.all.
var (
	exports = []string{"java.base/sun.net.util"}
	opens   = []string{
		"java.base/java.lang", "java.base/java.net", "java.base/java.io", "java.base/java.nio",
		"java.base/sun.nio.ch", "java.base/java.lang.reflect", "java.base/java.text", "java.base/java.time",
		"java.base/java.util", "java.base/java.util.concurrent", "java.base/java.util.concurrent.atomic",
		"java.base/java.util.concurrent.locks",
	}
)
