package flink

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
	"text/template"
	"time"
)

//go:embed clicks.sql
var clicksSQL string

// outOfOrder is how much later than a newer one a click of the same partition
// may be written without being called late: the Recorder flushes ten times a
// second and gives an append half a second.
const outOfOrder = time.Second

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
		TransactionPrefix: c.JobName(),
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

// options are the job's own settings; they win over the cluster's.
func options(c Config, restoreFrom string) map[string]string {
	o := map[string]string{
		"pipeline.name":         c.JobName(),
		"table.local-time-zone": "UTC",
		"table.exec.state.ttl":  milliseconds(remember),
		// One task of each kind: an idle partition of several could let a window's
		// watermark overtake the one that a click was judged by.
		"parallelism.default":              "1",
		"pipeline.auto-watermark-interval": "100 ms",

		"execution.checkpointing.mode":     "EXACTLY_ONCE",
		"execution.checkpointing.interval": milliseconds(checkpointEvery),
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
