package redis

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"designkits/cases/tickets/room"
)

// Pressure is room.Pressure: a hash with a field a replica. Old reports go when
// they are met.
type Pressure struct{ client *Client }

// Pressure returns the reports of booking's replicas.
func (c *Client) Pressure() *Pressure { return &Pressure{c} }

var _ room.Pressure = (*Pressure)(nil)

//go:embed report.lua
var reportSource string

var reportScript = redis.NewScript(reportSource)

func (p *Pressure) key() []string { return []string{p.client.namespace + ":pressure"} }

// Report implements room.Pressure.
func (p *Pressure) Report(ctx context.Context, replica string, p99 time.Duration) error {
	if err := reportScript.Run(ctx, p.client.redis, p.key(), room.FreshFor.Milliseconds(), replica, int64(p99)).Err(); err != nil {
		return fmt.Errorf("redis: report the pressure of %s: %w", replica, err)
	}
	return nil
}

// Reports implements room.Pressure.
func (p *Pressure) Reports(ctx context.Context) (map[string]time.Duration, error) {
	fresh, err := reportScript.Run(ctx, p.client.redis, p.key(), room.FreshFor.Milliseconds()).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("redis: reports of pressure: %w", err)
	}
	reports := make(map[string]time.Duration, len(fresh)/2)
	for i := 0; i+1 < len(fresh); i += 2 {
		p99, err := strconv.ParseInt(fresh[i+1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("redis: the pressure of %s is %q, no number", fresh[i], fresh[i+1])
		}
		reports[fresh[i]] = time.Duration(p99)
	}
	return reports, nil
}
