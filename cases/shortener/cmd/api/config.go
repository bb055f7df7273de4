package main

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"designkits/shared/service"

	"github.com/caarlos0/env/v11"
)

// A config is the process's environment.
type config struct {
	Listen    string   `env:"LISTEN,required"`
	PublicURL url.URL  `env:"PUBLIC_URL,required"` // where people reach the edge
	FramedBy  string   `env:"FRAMED_BY"`           // the origin that may show the page in a frame
	Redis     string   `env:"REDIS,required"`
	Cassandra []string `env:"CASSANDRA,required"`
	Kafka     []string `env:"KAFKA,required"`
	Store     string   `env:"STORE" envDefault:"cassandra"` // of links and codes; or dynamodb
	DynamoDB  string   `env:"DYNAMODB"`                     // host:port, for that
	Analytics url.URL  `env:"ANALYTICS,required"`
	Namespace string   `env:"NAMESPACE,required"`
	CodeKey   string   `env:"CODE_KEY,required,unset"` // of new codes; and without it no link is found
	Spool     string   `env:"SPOOL,required"`          // a folder of this replica alone
	Replica   string   `env:"REPLICA"`                 // its name on the page; default its address

	// Proxies whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix `env:"TRUSTED_PROXIES" envDefault:"127.0.0.0/8,::1/128"`

	// Redirects a second for each address, and at once; 0 is no limit.
	RedirectRate  float64 `env:"REDIRECT_RATE" envDefault:"200"`
	RedirectBurst int     `env:"REDIRECT_BURST" envDefault:"2000"`
	// What a key that anybody can make allows, and how many an address gets.
	KeyRate     float64 `env:"KEY_RATE" envDefault:"50"`
	KeyBurst    int     `env:"KEY_BURST" envDefault:"200"`
	LinksPerDay int     `env:"LINKS_PER_DAY" envDefault:"10000"`
	KeysPerDay  int     `env:"KEYS_PER_DAY" envDefault:"200"`

	// How long the edge may answer redirects by itself, and where this process
	// reaches it; 0 is not at all.
	EdgeCacheFor time.Duration `env:"EDGE_CACHE_FOR"`
	Edge         url.URL       `env:"EDGE"`

	// What is held of links, and how long; 0 is the Resolver's default.
	CacheBytes int64         `env:"CACHE_BYTES"`
	SharedFor  time.Duration `env:"SHARED_FOR"`
	// How many copies each row has, where the keyspace is made anew; and how many
	// must answer a plain read or write.
	Replication int    `env:"REPLICATION" envDefault:"1"`
	Consistency string `env:"CONSISTENCY" envDefault:"LOCAL_QUORUM"`

	// Where regions count codes each for itself, this one's number, from 0, and
	// how many there are; neither may change.
	Region  uint64 `env:"REGION"`
	Regions uint64 `env:"REGIONS" envDefault:"1"`

	Variants variants

	// RecordClicks off measures what recording costs.
	RecordClicks service.Toggle `env:"RECORD_CLICKS" envDefault:"on"`
}

const (
	// maxUntold is how many changes of links may wait for Redis to be back.
	maxUntold = 10_000
	// limitedAtOnce is how many callers the limits in process remember.
	limitedAtOnce = 100_000
)

func readConfig() (config, error) {
	c := config{Variants: variants{ahead: new(atomic.Int64)}}
	if err := env.Parse(&c); err != nil {
		return c, fmt.Errorf("read the configuration from the environment: %w", err)
	}
	if c.PublicURL.Host == "" {
		return c, fmt.Errorf("PUBLIC_URL is %q: give the address that people type, like https://sho.rt", c.PublicURL.String())
	}
	if err := c.checkStore(); err != nil {
		return c, err
	}
	if c.Region >= c.Regions {
		return c, fmt.Errorf("REGION is %d of %d: regions are numbered from 0", c.Region, c.Regions)
	}
	if c.Replica == "" {
		name, err := replicaName(c.Listen)
		if err != nil {
			return c, fmt.Errorf("name the replica: %w (set REPLICA)", err)
		}
		c.Replica = name
	}
	return c, nil
}

// replicaName is the address that is listened on, with the machine's name where
// that is every address.
func replicaName(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", fmt.Errorf("LISTEN is %q, which is no host:port: %w", listen, err)
	}
	if ip, err := netip.ParseAddr(host); host != "" && (err != nil || !ip.IsUnspecified()) {
		return listen, nil
	}
	if host, err = os.Hostname(); err != nil {
		return "", err
	}
	return net.JoinHostPort(host, port), nil
}
