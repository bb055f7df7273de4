package main

import (
	"fmt"
	"net"
	"time"

	"github.com/caarlos0/env/v11"
)

// A config is the process's environment.
type config struct {
	Listen    string   `env:"LISTEN,required,notEmpty"`
	Chat      string   `env:"CHAT,required"` // its name among the chat processes
	Advertise string   `env:"ADVERTISE"`     // where gateways reach it; default where it listens
	Cassandra []string `env:"CASSANDRA,required"`
	Kafka     []string `env:"KAFKA,required"`
	ZooKeeper []string `env:"ZOOKEEPER,required"`
	Redis     string   `env:"REDIS"` // where devices are; without it each gateway is told everything
	Namespace string   `env:"NAMESPACE,required"`

	// SessionTimeout is how long the partitions of a process that died are without
	// an owner.
	SessionTimeout time.Duration `env:"SESSION_TIMEOUT" envDefault:"6s"`
	// WriteUpTo is the number of members up to which inboxes are written: what the bench
	// fan-out found, with one in four of them connected.
	WriteUpTo int `env:"WRITE_UP_TO" envDefault:"256"`

	Variants variants
}

// variants are choices that the design rejects, kept so that they can be run:
// each is the control of an experiment in curveballs/. The defaults are the design.
type variants struct {
	// Fencing is by the log's epochs; or none: an owner believes its lease.
	Fencing string `env:"FENCING" envDefault:"epoch"`
}

func (v variants) unfenced() bool { return v.Fencing == "none" }

func readConfig() (config, error) {
	var c config
	if err := env.Parse(&c); err != nil {
		return c, fmt.Errorf("read the configuration from the environment: %w", err)
	}
	switch {
	case c.Variants.Fencing != "epoch" && c.Variants.Fencing != "none":
		return c, fmt.Errorf("FENCING is %q: epoch or none", c.Variants.Fencing)
	case c.SessionTimeout < time.Second || c.SessionTimeout > time.Minute:
		return c, fmt.Errorf("SESSION_TIMEOUT is %s: ZooKeeper allows 1s to 1m", c.SessionTimeout)
	case c.WriteUpTo < 0:
		return c, fmt.Errorf("WRITE_UP_TO is %d: a number of members, 0 for none", c.WriteUpTo)
	}
	return c, nil
}

// address is where gateways reach this process.
func (c config) address(listening net.Addr) string {
	if c.Advertise != "" {
		return c.Advertise
	}
	return listening.String()
}
