// Command payments is the payment provider: a simulator of somebody else's
// service (package provider). It keeps its books in one file, asks none of our
// backends for anything, and is the same after a kill -9.
package main

import (
	"context"
	"fmt"

	"github.com/caarlos0/env/v11"

	"designkits/cases/tickets/provider"
	"designkits/shared/service"
)

func main() { service.Main("payments", run) }

// A config is the process's environment.
type config struct {
	Listen    string `env:"LISTEN,required"`
	Journal   string `env:"JOURNAL,required"`            // a file of this process alone
	Key       string `env:"PROVIDER_KEY,required,unset"` // what callers have to know
	Webhook   string `env:"WEBHOOK_URL"`                 // where its notices go; empty: nowhere
	Secret    string `env:"WEBHOOK_SECRET,unset"`        // signs them
	Behaviour provider.Behaviour
}

func readConfig() (config, error) {
	var c config
	if err := env.Parse(&c); err != nil {
		return c, fmt.Errorf("read the configuration from the environment: %w", err)
	}
	if c.Webhook != "" && c.Secret == "" {
		return c, fmt.Errorf("WEBHOOK_URL is %s, but WEBHOOK_SECRET is empty: notices that aren't signed are believed by nobody", c.Webhook)
	}
	return c, nil
}

func run(ctx context.Context, s *service.Service) error {
	cfg, err := readConfig()
	if err != nil {
		return err
	}
	p, err := provider.Open(provider.Config{
		Journal: cfg.Journal, Key: cfg.Key, Webhook: cfg.Webhook, Secret: []byte(cfg.Secret), Behaviour: cfg.Behaviour,
		Log: s.Log, Observer: newMetrics(s.Metrics), Draining: s.Draining(),
	})
	if err != nil {
		return err
	}
	s.OnClose(func(context.Context) error { return p.Close() })
	s.Go("decide payments and send notices", p.Run)
	return s.Serve(ctx, cfg.Listen, p.Handler())
}
