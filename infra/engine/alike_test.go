package engine

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"designkits/infra/backend/catalog"
	"designkits/infra/backend/postgres"
	"designkits/infra/backend/s3"
)

// What is built has its version in the Dockerfile.
func TestFlinkImageIsTheNativeVersion(t *testing.T) {
	flink, _ := catalog.ByName("flink")
	text := read(t, "infra/Dockerfile")
	base := regexp.MustCompile(`(?m)^FROM flink:([\d.]+)\S* AS flink$`).FindStringSubmatch(text)
	if base == nil || base[1] != flink.Version {
		t.Errorf("infra/Dockerfile builds on %v, the native version is %s", base, flink.Version)
	}
	connector := regexp.MustCompile(`flink-sql-connector-kafka:(\S+) `).FindStringSubmatch(text)
	native := regexp.MustCompile(`(?s)flink-connector-kafka</artifactId>\s*<version>([^<]+)`).FindStringSubmatch(read(t, "infra/backend/flink/pom.xml"))
	if connector == nil || native == nil || connector[1] != native[1] {
		t.Errorf("the Kafka connector is %v in the image and %v in native runs", connector, native)
	}
	inDocker, inNative := flinkSettings(t, "docker.yaml"), flinkSettings(t, "config.yaml")
	for key, want := range inNative {
		if strings.Contains(want, "{{") || strings.Contains(want, "127.0.0.1") {
			continue // an address or a folder
		}
		if got := inDocker[key]; got != want {
			t.Errorf("infra/backend/flink/docker.yaml has %s: %q, config.yaml %q", key, got, want)
		}
	}
}

func flinkSettings(t *testing.T, file string) map[string]string {
	t.Helper()
	return assignments(read(t, "infra/backend/flink/"+file), ": ")
}

func assignments(text, separator string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), separator); ok && !strings.HasPrefix(key, "#") {
			all[key] = value
		}
	}
	return all
}

// Kafka's image takes its properties from variables; they must say the same
// as the native file.
func TestKafkaIsConfiguredAlike(t *testing.T) {
	kafka, err := load(t, nil, "kafka").GetService("kafka")
	if err != nil {
		t.Fatal(err)
	}
	addresses := []string{"controller.quorum.voters", "listeners", "advertised.listeners", "controller.listener.names",
		"listener.security.protocol.map", "inter.broker.listener.name", "log.dirs"}
	for key, want := range assignments(read(t, "infra/backend/kafka/server.properties"), "=") {
		if slices.Contains(addresses, key) {
			continue
		}
		variable := "KAFKA_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
		if got := kafka.Environment[variable]; got == nil || *got != want {
			t.Errorf("%s doesn't say %q, as the native %s does", variable, want, key)
		}
	}
}

func TestPostgresIsConfiguredAlike(t *testing.T) {
	s, err := load(t, nil, "postgres").GetService("postgres")
	if err != nil {
		t.Fatal(err)
	}
	command := []string{"postgres"}
	for _, setting := range postgres.Settings {
		command = append(command, "-c", setting)
	}
	if !slices.Equal(s.Command, command) {
		t.Errorf("it is started as %q, natively as %q", s.Command, command)
	}
	for variable, want := range map[string]string{
		"POSTGRES_USER": postgres.User, "POSTGRES_DB": postgres.Database, "POSTGRES_INITDB_ARGS": postgres.Initdb,
	} {
		if got := s.Environment[variable]; got == nil || *got != want {
			t.Errorf("%s doesn't say %q, as the native server's cluster does", variable, want)
		}
	}
}

// ZooKeeper's image takes the same settings from variables; the few that it
// has none for stand in one.
func TestZooKeeperIsConfiguredAlike(t *testing.T) {
	s, err := load(t, nil, "zookeeper").GetService("zookeeper")
	if err != nil {
		t.Fatal(err)
	}
	inDocker := map[string]string{}
	if extra := s.Environment["ZOO_CFG_EXTRA"]; extra != nil {
		inDocker = assignments(strings.ReplaceAll(*extra, " ", "\n"), "=")
	}
	for key, variable := range map[string]string{
		"tickTime": "ZOO_TICK_TIME", "maxClientCnxns": "ZOO_MAX_CLIENT_CNXNS", "admin.enableServer": "ZOO_ADMINSERVER_ENABLED",
		"4lw.commands.whitelist": "ZOO_4LW_COMMANDS_WHITELIST", "autopurge.snapRetainCount": "ZOO_AUTOPURGE_SNAPRETAINCOUNT",
		"autopurge.purgeInterval": "ZOO_AUTOPURGE_PURGEINTERVAL",
	} {
		if value := s.Environment[variable]; value != nil {
			inDocker[key] = *value
		}
	}
	for key, want := range assignments(read(t, "infra/backend/zookeeper/zoo.cfg"), "=") {
		if strings.Contains(want, "{{") || key == "clientPortAddress" {
			continue // an address or a folder
		}
		if got := inDocker[key]; got != want {
			t.Errorf("in the container %s is %q, natively %q", key, got, want)
		}
	}
}

func TestS3IsConfiguredAlike(t *testing.T) {
	s, err := load(t, nil, "s3").GetService("s3")
	if err != nil {
		t.Fatal(err)
	}
	if want := s3.Arguments(":7070", "/data"); !slices.Equal(s.Command, want) {
		t.Errorf("it is started as %q, natively as %q", s.Command, want)
	}
	if limit := s.Environment["GOMEMLIMIT"]; limit == nil || "GOMEMLIMIT="+*limit != s3.MemoryLimit {
		t.Errorf("its environment doesn't say %s", s3.MemoryLimit)
	}
}
