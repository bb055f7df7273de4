package demo

import (
	"context"
	"designkits/cases/shortener/client"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// samples are links of everybody's: the page shows their clicks to who has no
// link yet. The last one is made last of all: where it is, a seed was complete.
var samples = []struct{ alias, target string }{
	{"docs-redis", "https://redis.io/commands/eval"},
	{"docs-postgres", "https://www.postgresql.org/docs/15/sql-select.html"},
	{"docs-kafka-producer", "https://kafka.apache.org/41/javadoc/org/apache/kafka/clients/producer/KafkaProducer.html"},
	{"docs-python", "https://docs.python.org/3.11/library/asyncio.html"},
	{"docs-sqlite", "https://www.sqlite.org/lockingv3.html"},
}

// seedLinks is how many more links are made of the addresses in testdata, and
// seedClicks how many clicks they get.
const (
	seedLinks  = 300
	seedClicks = 600
	seedRate   = 300 // clicks a second
)

// Seed puts sample links and clicks into a fresh system, so that a person who
// looks around finds something. It does nothing where the samples are there
// already, so it may be run at every start. It returns how many links it made.
func Seed(ctx context.Context, page string) (made int, err error) {
	c, err := client.New(page)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	j := &journey{cfg: Config{Links: seedLinks}, client: c, tally: newTally(), began: time.Now()}
	last := samples[len(samples)-1]
	status, _, err := c.Follow(ctx, "/"+last.alias+"+", passerBy())
	if err != nil {
		return 0, fmt.Errorf("seed: look for /%s: %w", last.alias, err)
	}
	if status == http.StatusOK {
		return 0, nil
	}
	if _, err := j.getKey(ctx); err != nil {
		return 0, fmt.Errorf("seed: get a key: %w", err)
	}
	if _, err := j.shortenInBulk(ctx); err != nil {
		return 0, fmt.Errorf("seed: %w", err)
	}
	var clicked []client.Link // the samples first: these get most of the clicks
	for _, s := range samples[:len(samples)-1] {
		if err := j.claim(ctx, s.alias, s.target); err != nil {
			return 0, err
		}
		clicked = append(clicked, client.Link{Code: s.alias})
	}
	clicks, err := plan(append(clicked, j.links...), seedRate, seedClicks*time.Second/seedRate, 1)
	if err != nil {
		return 0, fmt.Errorf("seed: %w", err)
	}
	if _, err := stream(ctx, c, clicks, j.tally); err != nil {
		return 0, fmt.Errorf("seed: click: %w", err)
	}
	if err := j.claim(ctx, last.alias, last.target); err != nil {
		return 0, err
	}
	return len(j.links) + len(samples), nil
}

// claim makes a sample, or finds it there from a seed that was interrupted.
func (j *journey) claim(ctx context.Context, alias, target string) error {
	err := j.client.Do(ctx, http.MethodPost, "/api/links", map[string]string{"target": target, "alias": alias}, nil)
	if no := (*client.Refusal)(nil); errors.As(err, &no) && no.Status == http.StatusConflict {
		return nil
	}
	if err != nil {
		return fmt.Errorf("seed: claim %s: %w", alias, err)
	}
	return nil
}
