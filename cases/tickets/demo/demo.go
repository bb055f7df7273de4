// Package demo is the journey behind `kit run tickets --demo`: a whole sale of
// the 5,000-seat hall through the public edge, by a crowd of fans and bots, with
// a booking replica, the worker, Redis and PostgreSQL failing in the middle, and
// an audit of all books at the end.
//
// It guarantees that a step which says ok has been checked: no seat was sold
// twice, money was taken for each ticket and for nothing else, each order that
// somebody was told of is in the books as they were told, and the payment
// provider's books equal ours.
package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"designkits/cases/tickets/client"
	"designkits/cases/tickets/crowd"
	"designkits/shared/lab"
)

// A Config says where to go and how much to do.
type Config struct {
	// Page is the address of the edge, "http://127.0.0.1:8080/".
	Page string
	// What case.yaml gives the lab: the organiser's secret, where the books are,
	// and the provider's.
	Organiser, Postgres, Namespace, Provider, ProviderKey string

	Venue      string
	Fans, Bots int
	// Faults come one after the other in the middle of the sale.
	Faults []Fault
	// Patience is how long a step may wait for the sale to go on.
	Patience time.Duration
	// EndWithin is how long the last orders, whose fans don't look any more, may take
	// to end.
	EndWithin time.Duration
	// Progress gets a line now and then while a step takes long.
	Progress io.Writer
}

// Defaults returns what `kit run tickets --demo` does, at the given page, with
// what the environment says.
func Defaults(page string) Config {
	return Config{
		Page: page, Organiser: os.Getenv("ORGANISER_SECRET"), Postgres: os.Getenv("POSTGRES"), Namespace: os.Getenv("NAMESPACE"),
		Provider: os.Getenv("PROVIDER"), ProviderKey: os.Getenv("PROVIDER_KEY"),
		Venue: "hall", Fans: 2100, Bots: 100, Patience: 90 * time.Second, EndWithin: 15 * time.Second, Progress: io.Discard,
	}
}

// A journey is what the steps hand on to each other.
type journey struct {
	cfg       Config
	api       *client.Client
	organiser *client.Client
	event     client.Event
	seats     int
	crowd     *crowd.Crowd
	running   context.Context // ends when the crowd has gone, with why
	books     *Books
}

type step struct {
	name string
	walk func(*journey, context.Context) (figure string, err error)
}

// Run walks the journey and reports each step as it ends. It stops at the
// first step that is not ok: what comes after it would say nothing.
func Run(ctx context.Context, cfg Config, report func(lab.Step)) error {
	c, err := client.New(cfg.Page)
	if err != nil {
		return err
	}
	defer c.Close()
	j := &journey{cfg: cfg, api: c}
	if j.books, err = OpenBooks(ctx, cfg); err != nil {
		return err
	}
	defer j.books.Close()
	ctx, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		if j.running != nil {
			<-j.running.Done() // the crowd has gone
		}
	}()
	steps := []step{
		{"open a sale in the hall", (*journey).open},
		{"hold a lottery for who came early", (*journey).lottery},
		{"let them in", (*journey).letIn},
	}
	for _, f := range cfg.Faults {
		steps = append(steps, step{f.Name, func(j *journey, ctx context.Context) (string, error) { return j.fault(ctx, f) }})
	}
	steps = append(steps,
		step{"sell out", (*journey).sellOut},
		step{"settle every order", (*journey).settle},
		step{"audit: the books agree to the cent", (*journey).audit},
		step{"nothing that was told was lost", (*journey).compare},
		step{"bots got few seats", (*journey).bots},
	)
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

// until asks again and again until ask is content or the patience is over, and
// returns the last thing it said in time.
func until(ctx context.Context, patience, pause time.Duration, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	var last error
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || last == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %s: %w", patience, last)
		case <-ticker.C:
		}
	}
}
