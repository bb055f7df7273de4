// Package demo is the journey behind `kit run shortener --demo`: what people do
// with a shortener, done by a program through the public edge, on real
// addresses and real agents, with every figure checked.
//
// It guarantees that a step which says ok has been checked against what was
// sent: in particular that each link's clicks, by people and by bots, by
// referrer and by country, are exactly the redirects that were answered. Redis
// and Flink may die while it runs. Where a replica dies, a click may have been
// served by one and answered by another, or be lost with the last moments of a
// buffer; the totals are then checked to lie within a band, which is printed.
//
// It knows nothing but the page's address, so it tells as much about a system
// that runs somewhere else.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"designkits/cases/shortener/client"
	"designkits/shared/lab"
)

// A Config says where to go and how much to do.
type Config struct {
	// Page is the address of the edge, "http://127.0.0.1:8080/".
	Page string
	// Links is how many of the addresses in testdata are shortened; 0 for all.
	Links int
	// Rate is how many clicks a second are sent, and Stream for how long.
	Rate   int
	Stream time.Duration
	// Patience is how long the counts may take after the last click. It covers
	// a restart of Flink in the middle, and that it is given the job anew, which
	// on a busy machine alone takes a minute and a half.
	Patience time.Duration
	// Progress gets a line now and then while a step takes long.
	Progress io.Writer
}

// Defaults returns what `kit run shortener --demo` does, at the given page.
func Defaults(page string) Config {
	return Config{Page: page, Rate: 250, Stream: 20 * time.Second, Patience: 4 * time.Minute, Progress: io.Discard}
}

// A journey is what the steps hand on to each other.
type journey struct {
	cfg    Config
	client *client.Client
	links  []client.Link // those that were shortened in bulk
	tally  *tally
	began  time.Time
}

type step struct {
	name string
	walk walk
}

type walk func(*journey, context.Context) (figure string, err error)

var steps = []step{
	{"get an API key", (*journey).getKey},
	{"shorten real addresses in bulk", (*journey).shortenInBulk},
	{"follow a link, look before following", (*journey).followAndPreview},
	{"claim an alias, eight at once", (*journey).raceForAlias},
	{"refuse bad input, store nothing", (*journey).refuseBadInput},
	{"let a link expire", inTime((*journey).letExpire)},
	{"change a target, on every replica", inTime((*journey).changeTarget)},
	{"delete a link", inTime((*journey).deleteLink)},
	{"send a stream of clicks", (*journey).sendClicks},
	{"count them, each exactly once", (*journey).awaitCounts},
	{"see one click arrive live", inTime((*journey).seeOneClick)},
}

// Run walks the journey and reports each step as it ends. It stops at the
// first step that is not ok: what comes after it would say nothing.
func Run(ctx context.Context, cfg Config, report func(lab.Step)) error {
	c, err := client.New(cfg.Page)
	if err != nil {
		return err
	}
	defer c.Close()
	j := &journey{cfg: cfg, client: c, tally: newTally(), began: time.Now()}
	for _, s := range steps {
		began := time.Now()
		figure, err := s.walk(j, ctx)
		if err != nil {
			figure = err.Error()
		}
		report(lab.Step{Step: s.name, Figure: figure, OK: err == nil, MS: time.Since(began).Milliseconds()})
		if err != nil {
			return fmt.Errorf("%w: %s", lab.ErrFailed, s.name)
		}
	}
	return nil
}

// errLate says that what came was right, but later than it may.
var errLate = errors.New("too late")

// inTime is a walk that is repeated while it is late, each time with a new link:
// a busy machine may hold up one, but not five after each other.
func inTime(walk walk) walk {
	return func(j *journey, ctx context.Context) (figure string, err error) {
		for try := 1; ; try++ {
			figure, err = walk(j, ctx)
			if !errors.Is(err, errLate) || try == 5 || ctx.Err() != nil {
				return figure, err
			}
			fmt.Fprintf(j.cfg.Progress, "%v; once more\n", err)
		}
	}
}

// until asks again and again until ask is content or the patience is over, and
// returns the last thing it said.
func until(ctx context.Context, patience, pause time.Duration, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %s: %w", patience, err)
		case <-ticker.C:
		}
	}
}
