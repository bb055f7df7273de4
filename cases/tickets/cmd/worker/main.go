// Command worker makes orders go on: it does the steps of their saga, sends what
// happens to them to Kafka, and tells the fans. Any number may run; each keeps
// nothing of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caarlos0/env/v11"

	"designkits/cases/tickets/adapters/kafka"
	"designkits/cases/tickets/adapters/postgres"
	"designkits/cases/tickets/adapters/provider"
	"designkits/cases/tickets/adapters/redis"
	"designkits/cases/tickets/cmd/internal/strategy"
	"designkits/cases/tickets/move"
	"designkits/cases/tickets/saga"
	"designkits/cases/tickets/seatmap"
	"designkits/cases/tickets/venue"
	"designkits/shared/service"
)

// A config is the process's environment.
type config struct {
	Listen    string   `env:"LISTEN,required"`
	Worker    string   `env:"WORKER,required"` // its name among the workers
	Postgres  string   `env:"POSTGRES,required"`
	Redis     string   `env:"REDIS,required"`
	Kafka     []string `env:"KAFKA,required"`
	Namespace string   `env:"NAMESPACE,required"`

	Provider    string `env:"PROVIDER,required"` // where the payment provider is
	ProviderKey string `env:"PROVIDER_KEY,required,unset"`

	// PayWithin is how long a payment may be undecided.
	PayWithin time.Duration `env:"PAY_WITHIN" envDefault:"15m"`
	// Lease is how long the orders of a worker that died wait.
	Lease  time.Duration `env:"LEASE" envDefault:"10s"`
	AtOnce int           `env:"AT_ONCE" envDefault:"32"`

	// Claims is how seats are claimed: the same as in booking.
	Claims string `env:"CLAIMS" envDefault:"redis-lua"`
	// Saga is who leads from step to step: orchestration or choreography.
	Saga string `env:"SAGA" envDefault:"orchestration"`
	// DieAt ends the process as kill -9 would, once it is there: see crash.
	DieAt crash `env:"DIE_AT"`

	Variants variants
}

func main() { service.Main("worker", run) }

func readConfig() (config, error) {
	var c config
	if err := env.Parse(&c); err != nil {
		return c, fmt.Errorf("read the configuration from the environment: %w", err)
	}
	switch {
	case c.Saga != "orchestration" && c.Saga != "choreography":
		return c, fmt.Errorf("SAGA is %q: it can be orchestration or choreography", c.Saga)
	case c.Lease < time.Second:
		return c, fmt.Errorf("LEASE is %s: a step needs at least 1s", c.Lease)
	case c.AtOnce < 1:
		return c, errors.New("AT_ONCE must be at least 1")
	}
	return c, nil
}

func run(ctx context.Context, s *service.Service) error {
	cfg, err := readConfig()
	if err != nil {
		return err
	}
	db, err := postgres.Open(ctx, postgres.Config{Addr: cfg.Postgres, Namespace: cfg.Namespace, Connections: int32(cfg.AtOnce)/2 + 8})
	if err != nil {
		return err
	}
	s.OnClose(func(context.Context) error { db.Close(); return nil })
	s.Ready("postgres", db.Ping)
	seats := redis.Open(cfg.Redis, cfg.Namespace)
	s.OnClose(seats.Close)
	log, err := kafka.Open(cfg.Kafka, cfg.Namespace, cfg.Worker, s.Log)
	if err != nil {
		return err
	}
	s.OnClose(log.Close)
	bank, err := provider.Open(provider.Config{URL: cfg.Provider, Key: cfg.ProviderKey, Connections: cfg.AtOnce})
	if err != nil {
		return err
	}
	s.OnClose(func(context.Context) error { bank.Close(); return nil })

	asked, err := cfg.Variants.provider(bank)
	if err != nil {
		return err
	}
	claims, err := strategy.Claims(cfg.Claims, db, seats)
	if err != nil {
		return err
	}
	venues, err := venue.Shipped()
	if err != nil {
		return err
	}
	announcer := seatmap.NewAnnouncer(seats.Changes(s.Log))
	announced := seatmap.Announced{Claims: claims, To: announcer.Announce}
	store := db.Saga()
	runner := &saga.Runner{
		Store:  cfg.DieAt.store(store),
		Steps:  cfg.DieAt.steps(saga.Steps{Claims: announced, Provider: asked, PayWithin: cfg.PayWithin, Now: time.Now}),
		AtOnce: cfg.AtOnce, LeaseFor: cfg.Lease, ByEvents: cfg.Saga == "choreography",
		Observe: measure(s.Metrics, store, announcer), Log: s.Log,
	}
	s.Go("announce seats", announcer.Run)
	s.Go("orders", runner.Run)
	s.Go("send events", func(ctx context.Context) error { return saga.Relay(ctx, store, cfg.DieAt.log(log), s.Log) })
	s.Go("tell fans", func(ctx context.Context) error {
		return log.Follow(ctx, "notifications", saga.Notify(cfg.DieAt.mailbox(store)))
	})
	if runner.ByEvents {
		s.Go("follow orders", func(ctx context.Context) error { return log.Follow(ctx, "saga", runner.Handle) })
	}
	s.Go("move events", func(ctx context.Context) error { return move.Run(ctx, db.Moves(), venues, s.Log) })
	s.Go("sweep", func(ctx context.Context) error { return saga.Sweep(ctx, store, announced, s.Log) })
	return s.Serve(ctx, cfg.Listen, http.NotFoundHandler())
}
