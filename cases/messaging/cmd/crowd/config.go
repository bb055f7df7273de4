package main

import (
	"fmt"
	"time"

	"github.com/caarlos0/env/v11"
)

// A config is the process's environment.
type config struct {
	Listen   string   `env:"LISTEN,required,notEmpty"`
	Gateways []string `env:"GATEWAYS,required,notEmpty"` // host:port of each

	// People are all from this address: a gateway takes 200 connections of one, and
	// the keys process so many accounts an hour as it is told.
	People int `env:"PEOPLE" envDefault:"40"`
	// MessagesASecond are of all of them together.
	MessagesASecond float64 `env:"MESSAGES_A_SECOND" envDefault:"4"`
	// Late is when a message is missed on a screen. Who was connected to a gateway that
	// died is at another one within seconds.
	Late time.Duration `env:"LATE" envDefault:"1m"`
}

// perGateway is how many connections of one address a gateway takes, unless its
// PER_ADDRESS says something else.
const perGateway = 200

func readConfig() (config, error) {
	var c config
	if err := env.Parse(&c); err != nil {
		return c, fmt.Errorf("read the configuration from the environment: %w", err)
	}
	if most := perGateway * len(c.Gateways); c.People < 2 || c.People > most {
		return c, fmt.Errorf("PEOPLE is %d: give 2 to %d, as many as %d gateways take from an address", c.People, most, len(c.Gateways))
	}
	if !(c.MessagesASecond > 0 && c.MessagesASecond <= 1000) {
		return c, fmt.Errorf("MESSAGES_A_SECOND is %v: give more than 0, and 1000 at most", c.MessagesASecond)
	}
	if c.Late <= 0 {
		return c, fmt.Errorf("LATE is %s: it must be above 0", c.Late)
	}
	return c, nil
}
