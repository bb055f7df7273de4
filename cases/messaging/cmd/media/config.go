package main

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/caarlos0/env/v11"
)

// A config is the process's environment.
type config struct {
	Listen    string `env:"LISTEN,required"`
	Redis     string `env:"REDIS,required"`
	S3        string `env:"S3,required,unset"` // http://ACCESS:SECRET@HOST:PORT
	Blobs     string `env:"BLOBS"`             // http://HOST:PORT as devices reach it, where that differs
	Namespace string `env:"NAMESPACE,required"`

	// TokenSecret checks devices' tokens: the keys process's.
	TokenSecret string `env:"TOKEN_SECRET,required,unset"`
	// GrantSecret signs grants. All replicas have the same.
	GrantSecret string `env:"GRANT_SECRET,required,unset"`

	// Origins of all gateways: their pages ask here, and put and get blobs.
	Origins []string `env:"ORIGINS"`

	TrustedProxies []netip.Prefix `env:"TRUSTED_PROXIES" envDefault:"127.0.0.0/8,::1/128"`

	// SweepEvery is how often orphans are looked for.
	SweepEvery time.Duration `env:"SWEEP_EVERY" envDefault:"1h"`
}

// leastSecret is the shortest secret, in bytes.
const leastSecret = 16

func readConfig() (config, error) {
	var c config
	if err := env.Parse(&c); err != nil {
		return c, fmt.Errorf("read the configuration from the environment: %w", err)
	}
	for name, secret := range map[string]string{"TOKEN_SECRET": c.TokenSecret, "GRANT_SECRET": c.GrantSecret} {
		if len(secret) < leastSecret {
			return c, fmt.Errorf("%s has %d bytes: give at least %d, or grants can be forged", name, len(secret), leastSecret)
		}
	}
	if c.SweepEvery <= 0 {
		return c, fmt.Errorf("SWEEP_EVERY is %s: it must be above 0", c.SweepEvery)
	}
	return c, nil
}
