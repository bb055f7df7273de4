// Package kafka is Kafka 4 as a backend: one process that is broker and
// controller (KRaft).
//
// Topics aren't created by being named. What was acknowledged survives a kill
// of the process, since the operating system has it by then; the log is
// checked at the next start. Transactions work and may last an hour.
package kafka

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"text/template"

	"designkits/infra/backend"
	"designkits/infra/backend/jvm"
	"designkits/infra/provision"
	"designkits/infra/supervise"
)

const (
	name       = "kafka"
	version    = "4.1.0"
	broker     = "kafka"
	controller = "controller"
)

//go:embed pom.xml
var pom []byte

//go:embed server.properties
var properties string

var propertiesTemplate = template.Must(template.New("server.properties").Parse(properties))

var jars = provision.Maven{Name: name, Version: version, POM: pom, Bytes: 46_000_000}

// Backend is Kafka.
var Backend = backend.Backend{
	Name:    name,
	Version: version,
	Ports:   []backend.Port{{Name: broker, Number: 9092}, {Name: controller, Number: 9093, Internal: true}},
	Memory:  768 << 20,
	Sources: []provision.Source{jars},
	Units:   units,
	Ready:   ready,
	Drop:    drop,
}

func units(site backend.Site) ([]supervise.Spec, error) {
	if err := os.MkdirAll(site.Data, 0o755); err != nil {
		return nil, fmt.Errorf("make the data folder of kafka: %w", err)
	}
	var text bytes.Buffer
	if err := propertiesTemplate.Execute(&text, map[string]any{
		"Kafka": site.Ports[broker], "Controller": site.Ports[controller], "Logs": site.Path("logs"),
	}); err != nil {
		return nil, fmt.Errorf("write kafka's configuration: %w", err)
	}
	config := site.Path("server.properties")
	if err := os.WriteFile(config, text.Bytes(), 0o644); err != nil {
		return nil, fmt.Errorf("write kafka's configuration: %w", err)
	}
	server := jvm.Server{
		Name: name, Jars: jars, Heap: 512,
		Options: []string{"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true"},
		Main:    "kafka.Kafka", Args: []string{config},
	}
	spec, err := server.Unit(site, ready, site.Addr(broker), site.Ports[broker], site.Ports[controller])
	prepare := spec.Prepare
	spec.Prepare = func(ctx context.Context) error {
		if err := prepare(ctx); err != nil {
			return err
		}
		return format(ctx, site, server, config)
	}
	return []supervise.Spec{spec}, err
}

// format lays out the storage once, as Kafka wants it. The cluster's id is
// written down first, so that a format which was interrupted is gone on with
// under the same id.
func format(ctx context.Context, site backend.Site, server jvm.Server, config string) error {
	if _, err := os.Stat(site.Path("logs", "meta.properties")); err == nil {
		return nil
	}
	id, err := clusterID(site.Path("cluster.id"))
	if err != nil {
		return err
	}
	server.Heap, server.Light = 64, true
	server.Main = "kafka.tools.StorageTool"
	server.Args = []string{"format", "--ignore-formatted", "-t", id, "-c", config}
	command, err := server.Command(site)
	if err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("format kafka's storage: %w\n%s", err, bytes.TrimSpace(out))
	}
	return nil
}

// clusterID returns the id that the file holds, or makes one: 16 random bytes
// in URL-safe base64, which is Kafka's own form.
func clusterID(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read kafka's cluster id: %w", err)
	}
	var random [16]byte
	for {
		if _, err := rand.Read(random[:]); err != nil {
			return "", fmt.Errorf("make kafka's cluster id: %w", err)
		}
		// A dash in front would be taken for an option.
		if id := base64.RawURLEncoding.EncodeToString(random[:]); id[0] != '-' {
			if err := os.WriteFile(file, []byte(id+"\n"), 0o644); err != nil {
				return "", fmt.Errorf("write kafka's cluster id: %w", err)
			}
			return id, nil
		}
	}
}
