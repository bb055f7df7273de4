package flink

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"text/template"
	"time"
)

//go:embed clicks.sql
var clicksSQL string

// outOfOrder is how much later than a newer one a click of the same partition
// may be written without being called late. The Recorder brings a click into the log
// within a tenth of a second while that is well.
const outOfOrder = 500 * time.Millisecond

// checkpointEvery is how often counts are committed, and so a part of how old
// a figure on the page can be.
const checkpointEvery = 500 * time.Millisecond

// remember is how long a click's id and a day's visitors stay known. It must
// be longer than a day; and a spool must be replayed within it.
const remember = 25 * time.Hour

// quotable is what may stand in the SQL's text literals.
var quotable = regexp.MustCompile(`^[A-Za-z0-9_.,:\[\]-]+$`)

// statements returns the job's SQL for a configuration, in order; the last one
// starts the job.
func statements(c Config) ([]string, error) {
	values := struct{ OutOfOrder, ClicksTopic, IncrementsTopic, Brokers, Group, TransactionPrefix string }{
		OutOfOrder:        fmt.Sprintf("%.3f", outOfOrder.Seconds()),
		ClicksTopic:       c.ClicksTopic,
		IncrementsTopic:   c.IncrementsTopic,
		Brokers:           c.Brokers,
		Group:             c.Group(),
		TransactionPrefix: c.Namespace + ".clicks",
	}
	for _, v := range []string{values.ClicksTopic, values.IncrementsTopic, values.Brokers, values.Group} {
		if !quotable.MatchString(v) {
			return nil, fmt.Errorf("write the stream job's SQL: %q can't stand in it: use letters, digits and _ . - : only", v)
		}
	}
	parsed, err := template.New("clicks.sql").Option("missingkey=error").Parse(clicksSQL)
	if err != nil {
		return nil, fmt.Errorf("parse clicks.sql: %w", err)
	}
	var text strings.Builder
	if err := parsed.Execute(&text, values); err != nil {
		return nil, fmt.Errorf("fill in clicks.sql: %w", err)
	}
	var all []string
	for statement := range strings.SplitSeq(text.String(), "\n;\n") {
		if statement = strings.TrimSpace(statement); statement != "" {
			all = append(all, statement)
		}
	}
	return all, nil
}

// fingerprint names an SQL. Comments and spaces don't count.
func fingerprint(sql string) string {
	hash := sha256.New()
	for line := range strings.Lines(sql) {
		code, _, _ := strings.Cut(line, "--")
		for word := range strings.FieldsSeq(code) {
			fmt.Fprintln(hash, word)
		}
	}
	return hex.EncodeToString(hash.Sum(nil))[:12]
}

// options are the job's own settings; they win over the cluster's.
func options(c Config, restoreFrom string) map[string]string {
	o := map[string]string{
		"pipeline.name":         c.JobName(),
		"table.local-time-zone": "UTC",
		"table.exec.state.ttl":  milliseconds(remember),
		// One task of each kind: one of several that had no partition would be idle,
		// and idle tasks let a window's watermark overtake the one that a click was
		// judged by.
		"parallelism.default":              "1",
		"pipeline.auto-watermark-interval": "100 ms",

		// Ids and visitors of a day outgrow a heap; and a checkpoint twice a
		// second must not write all of them, only what is new. RocksDB's share
		// of the managed memory would be 32 MB here, which its write buffers
		// don't fit in: it then flushes with nearly every click.
		"state.backend.type":                          "rocksdb",
		"execution.checkpointing.incremental":         "true",
		"state.backend.rocksdb.memory.managed":        "false",
		"state.backend.rocksdb.writebuffer.size":      "8 mb",
		"state.backend.rocksdb.block.cache-size":      "8 mb",
		"state.backend.rocksdb.timer-service.factory": "HEAP",

		"execution.checkpointing.mode":     "EXACTLY_ONCE",
		"execution.checkpointing.interval": milliseconds(c.CheckpointEvery),
		"execution.checkpointing.timeout":  "60 s",
		// A checkpoint that fails is made up for by the next; while Kafka is
		// away none can complete, and the job is left to wait rather than fail.
		"execution.checkpointing.tolerable-failed-checkpoints":      "1000",
		"execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
		"execution.checkpointing.storage":                           "filesystem",
		"execution.checkpointing.dir":                               uri(c.checkpointDir()),

		"restart-strategy.type":                 "fixed-delay",
		"restart-strategy.fixed-delay.attempts": "2147483647",
		"restart-strategy.fixed-delay.delay":    "1 s",
	}
	if restoreFrom != "" {
		o["execution.state-recovery.path"] = uri(restoreFrom)
	}
	return o
}

// milliseconds writes a duration the way Flink reads it.
func milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
