package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"designkits/cases/tickets/bots"
	"designkits/shared/service"

	"github.com/caarlos0/env/v11"
)

// A config is the process's environment.
type config struct {
	Listen    string `env:"LISTEN,required"`
	Redis     string `env:"REDIS,required"`
	Postgres  string `env:"POSTGRES,required"`
	Namespace string `env:"NAMESPACE,required"`
	Replica   string `env:"REPLICA"` // its name in logs; default machine and address

	SessionSecret string `env:"SESSION_SECRET,required,unset"` // booking's
	PassSecret    string `env:"PASS_SECRET,required,unset"`    // booking's
	// The lottery is drawn and work is signed with it. All gates have the same,
	// and it stays the same while anybody waits.
	RoomSecret string `env:"ROOM_SECRET,required,unset"`

	// Proxies whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix `env:"TRUSTED_PROXIES" envDefault:"127.0.0.0/8,::1/128"`

	// How long a pass is good; and how long a challenge may be solved.
	PassFor time.Duration `env:"PASS_FOR" envDefault:"10m"`
	WorkFor time.Duration `env:"WORK_FOR" envDefault:"2m"`

	// People are let in, from so many a second to so many, as long as the p99 of
	// booking's holds stays below the target.
	AdmitMin    float64       `env:"ADMIT_MIN" envDefault:"20"`
	AdmitMax    float64       `env:"ADMIT_MAX" envDefault:"1000"`
	AdmitTarget time.Duration `env:"ADMIT_TARGET" envDefault:"100ms"`

	// Pages that may watch their place at once.
	Watchers int `env:"WATCHERS" envDefault:"20000"`

	// BotDefence off measures what bots get without.
	BotDefence service.Toggle `env:"BOT_DEFENCE" envDefault:"on"`
}

func (c config) rules() []bots.Rule {
	if c.BotDefence {
		return bots.Rules
	}
	return nil
}

// leastSecret is the shortest secret, in bytes.
const leastSecret = 16

func readConfig() (config, error) {
	var c config
	if err := env.Parse(&c); err != nil {
		return c, fmt.Errorf("read the configuration from the environment: %w", err)
	}
	for name, secret := range map[string]string{"SESSION_SECRET": c.SessionSecret, "PASS_SECRET": c.PassSecret, "ROOM_SECRET": c.RoomSecret} {
		if len(secret) < leastSecret {
			return c, fmt.Errorf("%s has %d bytes: give at least %d, or passes can be forged", name, len(secret), leastSecret)
		}
	}
	if c.AdmitMin <= 0 || c.AdmitMax < c.AdmitMin {
		return c, fmt.Errorf("ADMIT_MIN is %v and ADMIT_MAX %v: they must be above 0 and in order", c.AdmitMin, c.AdmitMax)
	}
	if c.PassFor <= 0 || c.WorkFor <= 0 || c.AdmitTarget <= 0 || c.Watchers <= 0 {
		return c, fmt.Errorf("PASS_FOR, WORK_FOR, ADMIT_TARGET and WATCHERS must be above 0")
	}
	if c.Replica == "" {
		host, err := os.Hostname()
		if err != nil {
			return c, fmt.Errorf("name the replica: %w (set REPLICA)", err)
		}
		c.Replica = net.JoinHostPort(host, c.Listen)
	}
	return c, nil
}
