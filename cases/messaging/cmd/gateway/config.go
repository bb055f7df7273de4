package main

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"time"

	"github.com/caarlos0/env/v11"
)

// A config is the process's environment.
type config struct {
	Listen    string   `env:"LISTEN,required,notEmpty"`
	Gateway   string   `env:"GATEWAY,required"` // its name among the gateways
	Advertise string   `env:"ADVERTISE"`        // where devices reach it; default where it listens
	Redis     string   `env:"REDIS,required"`
	Cassandra []string `env:"CASSANDRA,required"`
	Kafka     []string `env:"KAFKA,required"`
	ZooKeeper []string `env:"ZOOKEEPER,required"`
	Namespace string   `env:"NAMESPACE,required"`

	// TokenSecret is the one that keys signs devices' tokens with.
	TokenSecret string `env:"TOKEN_SECRET,required,unset"`
	// OperatorSecret lets an operator in; without it nobody.
	OperatorSecret string `env:"OPERATOR_SECRET,unset"`

	Keys  string `env:"KEYS"`  // URL of the process that serves accounts and prekeys
	Media string `env:"MEDIA"` // and of the one that serves media
	Blobs string `env:"BLOBS"` // the origin where the page puts and gets blobs

	// Origins of all gateways: their pages may connect here.
	Origins  []string `env:"ORIGINS"`
	FramedBy string   `env:"FRAMED_BY"` // the study page's origin
	WASM     string   `env:"WASM_E2E"`  // the folder with the encryption for the browser

	TrustedProxies []netip.Prefix `env:"TRUSTED_PROXIES"` // whose X-Forwarded-For is believed

	// Connections at once, of all and of one address; and new ones a minute, of one
	// address and of one person. A crowd for a load test comes from one address.
	Connections      int `env:"CONNECTIONS" envDefault:"18000"`
	PerAddress       int `env:"PER_ADDRESS" envDefault:"200"`
	AddressConnects  int `env:"ADDRESS_CONNECTS" envDefault:"600"`
	PersonConnects   int `env:"PERSON_CONNECTS" envDefault:"60"`
	UnfinishedOfOne  int `env:"UNFINISHED_OF_ONE" envDefault:"100"` // connections of one address that are no WebSocket
	FramesASecond    int `env:"FRAMES_A_SECOND" envDefault:"50"`
	ConversationsNew int `env:"CONVERSATIONS_AN_HOUR" envDefault:"100"` // that one person begins
	Conversations    int `env:"CONVERSATIONS" envDefault:"10000"`       // that one person is in

	CassandraTimeout time.Duration `env:"CASSANDRA_TIMEOUT" envDefault:"2s"`

	Variants variants
}

// variants are choices that the design rejects, kept so that they can be run: each
// is the control of an experiment in curveballs/. The defaults are the design.
type variants struct {
	// Coalescing has those who read the same page of a history at the same time read
	// it once; or off: each for itself.
	Coalescing string `env:"COALESCING" envDefault:"on"`
}

// leastSecret is the shortest secret, in bytes.
const leastSecret = 16

// A name is also part of a topic's.
var nameForm = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

func readConfig() (config, error) {
	var c config
	if err := env.Parse(&c); err != nil {
		return c, fmt.Errorf("read the configuration from the environment: %w", err)
	}
	if len(c.TokenSecret) < leastSecret {
		return c, fmt.Errorf("TOKEN_SECRET has %d bytes: give at least %d, or tokens can be forged", len(c.TokenSecret), leastSecret)
	}
	if n := len(c.OperatorSecret); n > 0 && n < leastSecret {
		return c, fmt.Errorf("OPERATOR_SECRET has %d bytes: give at least %d, or it is guessed", n, leastSecret)
	}
	if !nameForm.MatchString(c.Gateway) {
		return c, fmt.Errorf("GATEWAY is %q: give 1 to 40 letters a-z, digits and dashes", c.Gateway)
	}
	if v := c.Variants.Coalescing; v != "on" && v != "off" {
		return c, fmt.Errorf("COALESCING is %q: on or off", v)
	}
	for name, n := range map[string]int{
		"CONNECTIONS": c.Connections, "PER_ADDRESS": c.PerAddress, "ADDRESS_CONNECTS": c.AddressConnects, "PERSON_CONNECTS": c.PersonConnects,
		"UNFINISHED_OF_ONE": c.UnfinishedOfOne, "FRAMES_A_SECOND": c.FramesASecond, "CONVERSATIONS_AN_HOUR": c.ConversationsNew,
		"CONVERSATIONS": c.Conversations,
	} {
		if n < 1 {
			return c, fmt.Errorf("%s is %d: it must be above 0", name, n)
		}
	}
	return c, nil
}

// address is where devices reach this gateway.
func (c config) address(listening net.Addr) string {
	if c.Advertise != "" {
		return c.Advertise
	}
	return listening.String()
}
