package main

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/caarlos0/env/v11"

	"designkits/cases/messaging/adapters/httpapi"
)

// A config is the process's environment.
type config struct {
	Listen    string   `env:"LISTEN,required"`
	Redis     string   `env:"REDIS,required"`
	Cassandra []string `env:"CASSANDRA,required"`
	Namespace string   `env:"NAMESPACE,required"`

	// TokenSecret signs devices' tokens; gateways check them with the same.
	TokenSecret string `env:"TOKEN_SECRET,required,unset"`

	// Origins of all gateways: a page that comes from one asks at another when that is gone.
	Origins []string `env:"ORIGINS"`

	// Proxies whose X-Forwarded-For is believed: the gateways.
	TrustedProxies []netip.Prefix `env:"TRUSTED_PROXIES" envDefault:"127.0.0.0/8,::1/128"`

	// AccountsAnHour and CodesAMinute are from one address. A crowd for a load test
	// comes from one, and needs more.
	AccountsAnHour int `env:"ACCOUNTS_AN_HOUR"`
	CodesAMinute   int `env:"CODES_A_MINUTE"`

	CassandraTimeout time.Duration `env:"CASSANDRA_TIMEOUT" envDefault:"2s"`
}

// leastSecret is the shortest secret, in bytes.
const leastSecret = 16

func readConfig() (config, error) {
	c := config{AccountsAnHour: httpapi.UsualLimits.AccountsAnHour, CodesAMinute: httpapi.UsualLimits.CodesAMinute}
	if err := env.Parse(&c); err != nil {
		return c, fmt.Errorf("read the configuration from the environment: %w", err)
	}
	if len(c.TokenSecret) < leastSecret {
		return c, fmt.Errorf("TOKEN_SECRET has %d bytes: give at least %d, or tokens can be forged", len(c.TokenSecret), leastSecret)
	}
	if c.AccountsAnHour < 1 || c.CodesAMinute < 1 || c.CassandraTimeout <= 0 {
		return c, fmt.Errorf("ACCOUNTS_AN_HOUR, CODES_A_MINUTE and CASSANDRA_TIMEOUT must be above 0")
	}
	return c, nil
}

func (c config) limits() httpapi.Limits {
	l := httpapi.UsualLimits
	l.AccountsAnHour, l.CodesAMinute = c.AccountsAnHour, c.CodesAMinute
	return l
}
