package main

import (
	"fmt"
	"net/netip"
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
	Replica   string `env:"REPLICA"`   // its name among booking's replicas; default its address
	FramedBy  string `env:"FRAMED_BY"` // the origin that may show the page in a frame

	SessionSecret   string `env:"SESSION_SECRET,required,unset"`   // shared with gate
	PassSecret      string `env:"PASS_SECRET,required,unset"`      // shared with gate
	HoldSecret      string `env:"HOLD_SECRET,required,unset"`      // shared by booking's replicas
	TicketSecret    string `env:"TICKET_SECRET,required,unset"`    // 32 bytes in hexadecimal; signs tickets
	WebhookSecret   string `env:"WEBHOOK_SECRET,required,unset"`   // shared with the payment provider
	OrganiserSecret string `env:"ORGANISER_SECRET,required,unset"` // opens an organiser's session
	DoorSecret      string `env:"DOOR_SECRET,required,unset"`

	// Claims is the strategy: redis-lua is the design; conditional-update,
	// for-update, skip-locked and advisory-lock are right too; check-then-act and
	// setnx are wrong, kept as controls of experiments.
	Claims   string        `env:"CLAIMS" envDefault:"redis-lua"`
	PayFor   time.Duration `env:"PAY_FOR" envDefault:"3m"` // seats are kept for a payment
	Shipped  bool          `env:"SHIPPED" envDefault:"true"`
	Watchers int           `env:"WATCHERS" envDefault:"10000"`
	Pool     int32         `env:"POSTGRES_CONNECTIONS" envDefault:"16"`

	// An account may hold seats of an event so often within the window; 0 for as
	// often as it likes.
	HoldsMost   int           `env:"HOLDS_MOST" envDefault:"10"`
	HoldsWindow time.Duration `env:"HOLDS_WINDOW" envDefault:"10m"`
	// Proxies whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix `env:"TRUSTED_PROXIES" envDefault:"127.0.0.0/8,::1/128"`
	// BotDefence off measures what bots get without.
	BotDefence service.Toggle `env:"BOT_DEFENCE" envDefault:"on"`

	Variants variants
}

// minSecret is how long a secret that signs must be, in bytes.
const minSecret = 16

func readConfig() (config, error) {
	var c config
	if err := env.Parse(&c); err != nil {
		return c, fmt.Errorf("read the configuration from the environment: %w", err)
	}
	for name, secret := range map[string]string{
		"SESSION_SECRET": c.SessionSecret, "PASS_SECRET": c.PassSecret, "HOLD_SECRET": c.HoldSecret, "WEBHOOK_SECRET": c.WebhookSecret,
		"TICKET_SECRET": c.TicketSecret, "ORGANISER_SECRET": c.OrganiserSecret, "DOOR_SECRET": c.DoorSecret,
	} {
		if len(secret) < minSecret {
			return c, fmt.Errorf("%s has %d bytes: give at least %d random ones", name, len(secret), minSecret)
		}
	}
	if c.HoldsMost < 0 || c.HoldsMost == 1 || c.HoldsWindow <= 0 {
		return c, fmt.Errorf("HOLDS_MOST is %d within HOLDS_WINDOW, %s: give at least 2, or 0 for any number, and a time above 0", c.HoldsMost, c.HoldsWindow)
	}
	if c.Replica == "" {
		c.Replica = c.Listen
	}
	return c, nil
}

// holds is how often an account may hold.
func (c config) holds(limits bots.Limits) *bots.Holds {
	h := &bots.Holds{Limits: limits, Most: c.HoldsMost, Window: c.HoldsWindow, Now: time.Now}
	if !c.BotDefence {
		h.Most = 0
	}
	return h
}
