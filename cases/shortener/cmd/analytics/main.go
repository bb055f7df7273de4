// Command analytics keeps the counting going: it submits the stream job to
// Flink and watches it, adds up what the job has counted, and tells the pages
// that watch.
//
// There is one of it in a namespace. While it is away clicks wait in Kafka;
// while Flink is away too, and while Cassandra is, counts do.
package main

import (
	"context"
	"fmt"
	"time"

	"designkits/cases/shortener/adapters/flink"
	"designkits/cases/shortener/adapters/kafka"
	"designkits/cases/shortener/adapters/sse"
	"designkits/cases/shortener/clicks"
	"designkits/shared/service"

	"github.com/caarlos0/env/v11"
)

type config struct {
	Listen      string   `env:"LISTEN,required"`
	Cassandra   []string `env:"CASSANDRA,required"`
	Kafka       []string `env:"KAFKA,required"`
	FlinkKafka  string   `env:"FLINK_KAFKA,required"`
	FlinkSQL    string   `env:"FLINK_SQL,required"`
	FlinkREST   string   `env:"FLINK_REST,required"`
	Checkpoints string   `env:"FLINK_CHECKPOINTS,required"`
	Namespace   string   `env:"NAMESPACE,required"`

	// CheckpointEvery is how often counts are committed; 0 is the job's default.
	CheckpointEvery time.Duration `env:"CHECKPOINT_EVERY"`
	// ReadUncommitted adds up increments before they are committed: a choice that
	// the design doc rejects, kept so that it can be run.
	ReadUncommitted bool `env:"READ_UNCOMMITTED"`
}

func main() { service.Main("analytics", run) }

func run(ctx context.Context, s *service.Service) error {
	var c config
	if err := env.Parse(&c); err != nil {
		return fmt.Errorf("read the configuration from the environment: %w", err)
	}
	store := &counts{hosts: c.Cassandra, keyspace: c.Namespace}
	s.OnClose(store.close)
	s.Ready("cassandra", store.ping)

	topics := kafka.TopicsOf(c.Namespace)
	increments := kafka.NewIncrements(c.Kafka, c.Namespace, s.Log)
	if c.ReadUncommitted {
		increments = increments.Uncommitted()
	}
	job := flink.Config{
		Namespace: c.Namespace, Gateway: c.FlinkSQL, REST: c.FlinkREST, Brokers: c.FlinkKafka,
		ClicksTopic: topics.Clicks, IncrementsTopic: topics.Increments,
		Checkpoints: c.Checkpoints, CheckpointEvery: c.CheckpointEvery, Counted: increments.Counted, Log: s.Log,
	}
	pipeline, err := flink.New(job)
	if err != nil {
		return err
	}
	ticks, err := kafka.NewTicks(c.Kafka, c.Namespace, s.Log)
	if err != nil {
		return err
	}
	s.OnClose(ticks.Close)
	backlog, err := kafka.NewBacklog(c.Kafka, c.Namespace, job.Group(), s.Log)
	if err != nil {
		return err
	}
	s.OnClose(backlog.Close)
	s.Ready("kafka", backlog.Ping)

	live := clicks.NewLive()
	adder := clicks.NewAdder(store.apply, live)
	state := func() clicks.Pipeline {
		p := pipeline.State()
		adder.Describe(&p)
		p.Ticks, p.Unread, p.Unapplied = ticks.Written(), backlog.Unread(), backlog.Unapplied()
		return p
	}
	measure(s.Metrics, state, live)

	s.Go("the stream job", pipeline.Run)
	s.Go("ticks", func(ctx context.Context) error {
		return ticks.Run(ctx, func() bool { return pipeline.State().Job == clicks.JobRunning })
	})
	s.Go("adding up", func(ctx context.Context) error { return adder.Run(ctx, increments) })
	s.Go("the backlog", backlog.Run)
	s.Go("the store's first connection", func(ctx context.Context) error { return store.connect(ctx, time.Second) })
	pages := &sse.Server{Live: live, State: state, Draining: s.Draining()}
	return s.Serve(ctx, c.Listen, pages.Handler())
}
