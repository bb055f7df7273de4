// Package demo is the journey behind `kit run messaging --demo`: three people with
// four devices talk, to each other and in a group, through the gateways of the
// running case. In the middle the gateway that one of them is connected to is
// killed, and later brought back.
//
// It guarantees that a step which says ok has been checked: each screen shows each
// message that was sent, once, in the order of the history, and as it was written;
// and each message whose sender was told that it is sent is in the history, under
// the number that the sender was told. A journey that takes longer than it may, to
// the verdict, doesn't hold either.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"designkits/cases/messaging/adapters/cassandra"
	"designkits/cases/messaging/audit"
	"designkits/shared/cql"
	"designkits/shared/lab"
)

// A Config says where to go and how much to do.
type Config struct {
	// Page is the address of a gateway, "http://127.0.0.1:8141/".
	Page string
	// Cassandra and Namespace say where the history is, which is read for the check.
	Cassandra, Namespace string
	// Faults come one after the other in the middle of the conversation.
	Faults []Fault
	// Between is how many messages are sent between two faults.
	Between int
	// Patience is how long a step may wait for the conversation to go on.
	Patience time.Duration
	// Within is how long the whole journey may take, from start to verdict.
	Within time.Duration
	// Progress gets a line now and then while a step takes long.
	Progress io.Writer
}

// Defaults returns what `kit run messaging --demo` does, at the given page, with
// what the environment says.
func Defaults(page string) Config {
	return Config{
		Page: page, Cassandra: os.Getenv("CASSANDRA"), Namespace: os.Getenv("NAMESPACE"),
		Between: 120, Patience: 40 * time.Second, Within: time.Minute, Progress: io.Discard,
	}
}

// A journey is what the steps hand on to each other.
type journey struct {
	cfg    Config
	db     *cassandra.DB
	cast   *cast
	talks  []*talk
	book   *audit.Book
	pages  pages
	victim string // the gateway that was killed
}

type step struct {
	name string
	walk func(context.Context) (figure string, err error)
}

// Run walks the journey and reports each step as it ends. It stops at the first
// step that is not ok: what comes after it would say nothing.
func Run(ctx context.Context, cfg Config, report func(lab.Step)) (err error) {
	started := time.Now()
	if cfg.Cassandra == "" || cfg.Namespace == "" {
		return errors.New("CASSANDRA and NAMESPACE are not set: start this through the kit, with `go run ./infra/kit run messaging --demo`")
	}
	j := &journey{cfg: cfg, book: audit.New()}
	j.db, err = cassandra.Open(ctx, cassandra.Config{Config: cql.Config{Hosts: []string{cfg.Cassandra}, Keyspace: cfg.Namespace}, Timeout: 10 * time.Second})
	if err != nil {
		return err
	}
	defer j.db.Close()
	ctx, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		if j.cast != nil {
			j.cast.gone.Wait()
		}
	}()
	steps := []step{
		{"make three accounts, and link a second device", j.signUp},
		{"connect four devices", j.connect},
		{"begin a conversation of two, and a group", j.begin},
		{"talk", j.say},
	}
	for _, f := range cfg.Faults {
		steps = append(steps, step{f.Name, func(ctx context.Context) (string, error) { return j.fault(ctx, f) }})
	}
	steps = append(steps,
		step{"say the rest", j.finish},
		step{"every screen shows everything", j.shown},
		step{"nothing lost, nothing twice, all in order", j.check},
		step{"what stands there is what was written", j.read},
		step{"all of it in time", func(context.Context) (string, error) { return inTime(time.Since(started), cfg.Within) }},
	)
	for _, s := range steps {
		began := time.Now()
		figure, err := s.walk(ctx)
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

// inTime is the verdict on how long the journey took.
func inTime(took, within time.Duration) (string, error) {
	figure := fmt.Sprintf("%.1f s from start to verdict, of %.0f s", took.Seconds(), within.Seconds())
	if took > within {
		return "", errors.New(figure + ": too slow, or the machine is busy")
	}
	return figure, nil
}

// until asks again and again until ask is content or the patience is over, and
// returns the last thing it said.
func until(ctx context.Context, patience time.Duration, ask func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := ask()
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
