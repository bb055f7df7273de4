package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"designkits/cases/shortener/client"
	"designkits/cases/shortener/testdata"
)

const (
	// clicked is how many links get clicks at most, and popularity how steep
	// their popularity is: a few get most of them, many get one or two.
	clicked    = 250
	popularity = 1.15
	// people and crawlers are how many visitors there are of each kind, and
	// botShare how many of the clicks are by bots.
	people   = 1500
	crawlers = 60
	botShare = 0.2
	// workers is how many clicks may be on their way at once.
	workers = 128
	// attempts is how often a click is tried whose answer did not come.
	attempts = 20
)

// A visitor is somebody who clicks: an address, an agent, a country.
type visitor struct {
	header  http.Header
	country string
	bot     bool
}

// A click is one that is to be sent at a time after the start of the stream.
type click struct {
	at       time.Duration
	code     string
	visitor  *visitor
	referrer string // the host, or ""
}

// referrers are where people come from, the first standing for nowhere.
var referrers = []string{"", "", "", "news.ycombinator.com", "news.ycombinator.com", "lobste.rs", "www.reddit.com", "stackoverflow.com", "duckduckgo.com"}

// countries are as the edge would add them; "" is an edge that doesn't know.
var countries = []string{"DE", "US", "FI", "JP", "BR", "IN", "FR", "GB", "NG", ""}

// The simulated visitors' addresses are of the block that is set aside for
// benchmarks (RFC 2544, 198.18.0.0/15), so they are nobody's.
const (
	peopleFrom    = 198<<24 | 18<<16
	crawlersFrom  = 198<<24 | 19<<16
	passersByFrom = 198<<24 | 19<<16 | 128<<8
)

func address(n uint32) string {
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}).String()
}

// visitors makes the people or the crawlers.
func visitors(rng *rand.Rand, n int, agents []testdata.Agent, bot bool) []*visitor {
	from := uint32(peopleFrom)
	if bot {
		from = crawlersFrom
	}
	made := make([]*visitor, n)
	for i := range made {
		v := &visitor{country: countries[rng.IntN(len(countries))], bot: bot, header: http.Header{}}
		v.header.Set("User-Agent", agents[i%len(agents)].UserAgent)
		v.header.Set("X-Forwarded-For", address(from+uint32(i)))
		if v.country != "" {
			v.header.Set(countryHeader, v.country)
		}
		made[i] = v
	}
	return made
}

var passed atomic.Uint32

// passerBy is a person who is seen once: a step that follows a link again and
// again stands for many people, none of whom is over the limit of an address.
func passerBy() http.Header {
	return http.Header{
		"User-Agent":      {"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
		"X-Forwarded-For": {address(passersByFrom + passed.Add(1)%(1<<15))},
	}
}

// countryHeader is where an edge in front of the service puts the country.
const countryHeader = "X-Country"

// plan makes a stream of clicks: Zipf over links, evenly spread over visitors.
// The same seed makes the same plan.
func plan(links []client.Link, rate int, span time.Duration, seed uint64) ([]click, error) {
	browsers, err := testdata.Browsers()
	if err != nil {
		return nil, err
	}
	bots, err := testdata.Bots()
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	// Not the last link: that one is followed by a step of its own.
	zipf := rand.NewZipf(rng, popularity, 1, uint64(min(clicked, len(links)-1)-1))
	crowd := visitors(rng, people, browsers, false)
	swarm := visitors(rng, crawlers, bots, true)

	clicks := make([]click, int(span.Seconds()*float64(rate)))
	for i := range clicks {
		c := click{
			at:   time.Duration(float64(i) / float64(rate) * float64(time.Second)),
			code: links[zipf.Uint64()].Code,
		}
		if rng.Float64() < botShare {
			c.visitor = swarm[rng.IntN(len(swarm))]
		} else {
			c.visitor = crowd[rng.IntN(len(crowd))]
			c.referrer = referrers[rng.IntN(len(referrers))]
		}
		clicks[i] = c
	}
	return clicks, nil
}

// send follows the link until an answer comes and returns how many tries went
// unanswered: each of those may have been counted or not.
func (c click) send(ctx context.Context, to *client.Client) (unanswered int, err error) {
	header := c.visitor.header.Clone()
	if c.referrer != "" {
		header.Set("Referer", "https://"+c.referrer+"/item?id=1")
	}
	for {
		status, _, err := to.Follow(ctx, "/"+c.code, header)
		switch {
		case err == nil && status == http.StatusFound:
			return unanswered, nil
		case err == nil && status != http.StatusBadGateway && status != http.StatusGatewayTimeout && status != http.StatusServiceUnavailable:
			return unanswered, fmt.Errorf("GET /%s answered %d, not 302", c.code, status)
		case err == nil:
			err = fmt.Errorf("GET /%s answered %d", c.code, status)
		}
		if unanswered++; unanswered == attempts {
			return unanswered, fmt.Errorf("%d tries, the last: %w", attempts, err)
		}
		select {
		case <-ctx.Done():
			return unanswered, ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// stream sends the clicks, each at its time whether the earlier ones have been
// answered or not, and tallies the answered ones. Latencies are counted from
// the time at which a click was due, so a server that stalls can't hide it.
func stream(ctx context.Context, to *client.Client, clicks []click, t *tally) (latencies []time.Duration, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan click, 1024)
	began := time.Now()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for c := range queue {
				unanswered, err := c.send(ctx, to)
				took := time.Since(began.Add(c.at))
				mu.Lock()
				t.unanswered += unanswered
				if err == nil {
					t.add(c)
					latencies = append(latencies, took)
				}
				mu.Unlock()
				if err != nil {
					cancel(err)
				}
			}
		})
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
feed:
	for _, c := range clicks {
		timer.Reset(time.Until(began.Add(c.at)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			break feed
		}
		select {
		case queue <- c:
		case <-ctx.Done():
			break feed
		}
	}
	close(queue)
	wg.Wait()
	if ctx.Err() != nil {
		return latencies, context.Cause(ctx)
	}
	slices.Sort(latencies)
	return latencies, nil
}

// quantile returns the q-th quantile of sorted latencies.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func (j *journey) sendClicks(ctx context.Context) (string, error) {
	if len(j.links) < 2 {
		return "", errors.New("there are too few links to click on")
	}
	clicks, err := plan(j.links, j.cfg.Rate, j.cfg.Stream, uint64(j.began.UnixNano()))
	if err != nil {
		return "", err
	}
	before, err := replicas(ctx, j.client)
	if err != nil {
		return "", err
	}
	began := time.Now()
	latencies, err := stream(ctx, j.client, clicks, j.tally)
	if err != nil {
		return "", fmt.Errorf("after %d of %d clicks: %w", len(latencies), len(clicks), err)
	}
	took := time.Since(began)
	after, err := replicas(ctx, j.client)
	if err != nil {
		return "", err
	}
	j.tally.replicaDied, j.tally.perSecond = changed(before, after), j.cfg.Rate
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	figure := fmt.Sprintf("%d clicks on %d links at %.0f/s, %d by bots; answered p50 %.1f ms, p99 %.1f ms, max %.0f ms",
		len(latencies), len(j.tally.links), float64(len(latencies))/took.Seconds(), j.tally.sum().Bots,
		ms(quantile(latencies, 0.5)), ms(quantile(latencies, 0.99)), ms(quantile(latencies, 1)))
	if j.tally.unanswered > 0 {
		figure += fmt.Sprintf("; %d tries unanswered and repeated", j.tally.unanswered)
	}
	return figure, nil
}
