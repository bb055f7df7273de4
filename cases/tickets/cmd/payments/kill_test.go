package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/tickets"
	adapter "designkits/cases/tickets/adapters/provider"
	"designkits/cases/tickets/payments"
	"designkits/cases/tickets/provider"
	"designkits/shared/testenv"
)

// A process is the real one, in an operating system's process of its own.
type process struct {
	url  string
	kill func() // as kill -9 does
}

func start(t *testing.T, env map[string]string) *process {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), asProcess+"=1")
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address, logged := make(chan string, 1), make(chan struct{})
	go func() { // ends with the process, which kill waits for
		defer close(logged)
		defer close(address)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			var line struct{ Msg, Address string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
				address <- line.Address
				continue
			}
			t.Logf("payments: %s", lines.Text())
		}
	}()
	p := &process{kill: sync.OnceFunc(func() {
		_ = cmd.Process.Kill() // if it has ended by itself, a test has failed already
		<-logged
		_ = cmd.Wait() // "signal: killed"
	})}
	t.Cleanup(p.kill)
	select {
	case at, ok := <-address:
		if !ok {
			t.Fatal("the process ended while starting")
		}
		p.url = "http://" + at
	case <-time.After(2 * time.Minute):
		t.Fatal("the process doesn't serve within two minutes")
	}
	return p
}

// A buyer pays one order: authorised, captured, and every third given back. told
// is what it was answered, by key.
type buyer struct {
	number int
	told   map[string]payments.Payment
	last   payments.Payment
}

// step is one thing that a buyer asks for.
type step struct {
	key string
	ask func(ctx context.Context, p payments.Provider, key string) (payments.Payment, error)
}

func (b *buyer) steps() []step {
	all := []step{
		{"authorise", func(ctx context.Context, p payments.Provider, key string) (payments.Payment, error) {
			return p.Authorise(ctx, key, payments.Charge{Order: tickets.OrderID(fmt.Sprint("o", b.number)), Amount: 100, Currency: "EUR", Source: "tok_ok"})
		}},
		{"capture", func(ctx context.Context, p payments.Provider, key string) (payments.Payment, error) {
			return p.Capture(ctx, key, b.told[b.key("authorise")].ID)
		}},
	}
	if b.number%3 == 0 {
		all = append(all, step{"refund", func(ctx context.Context, p payments.Provider, key string) (payments.Payment, error) {
			return p.Refund(ctx, key, b.told[b.key("authorise")].ID, 100)
		}})
	}
	return all
}

func (b *buyer) key(step string) string { return fmt.Sprintf("%d:%s", b.number, step) }

// The provider is killed again and again while many pay: nothing that anybody
// was told is lost, nothing is done twice, and all of it is told by notices.
func TestKill9LosesNothing(t *testing.T) {
	t.Run("of a provider at its best", func(t *testing.T) { killed(t, nil) })
	t.Run("of one at its worst", func(t *testing.T) {
		killed(t, map[string]string{
			"LATENCY": "5ms", "LATENCY_99": "50ms", "TIMEOUT_RATE": "0.02", "DUPLICATE_RATE": "0.3", "REORDER_RATE": "0.5", "REORDER_WITHIN": "500ms",
		})
	})
}

func killed(t *testing.T, behaviour map[string]string) {
	in := newInbox(t)
	env := settings(t, in.url)
	maps.Copy(env, behaviour)
	p := start(t, env)
	c := &crowd{buyers: make([]*buyer, 600)}
	for i := range c.buyers {
		c.buyers[i] = &buyer{number: i, told: map[string]payments.Payment{}}
	}
	c.provider.Store(client(t, p.url, time.Second)) // some calls are never answered
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- c.pay(ctx) }()

	const kills = 4
	for i := range kills {
		testenv.Eventually(t, 5*time.Minute, "some have paid", func() bool {
			return c.answered.Load() > int64((i+1)*len(c.buyers)/kills) || ctx.Err() != nil
		})
		p.kill()
		p = start(t, env)
		c.provider.Store(client(t, p.url, time.Second)) // some calls are never answered
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if c.failed.Load() == 0 {
		t.Error("no call failed: the kills weren't in the middle of anything")
	}
	t.Logf("%d answers, %d calls had to be repeated", c.answered.Load(), c.failed.Load())
	quick := map[string]any{"latency": "0s", "latency99": "0s", "timeoutRate": 0}
	if err := provider.Behave(t.Context(), p.url, apiKey, quick); err != nil {
		t.Fatal(err)
	}
	patient := client(t, p.url, 20*time.Second)
	for _, b := range c.buyers {
		b.check(t, patient, in)
	}
	if _, payments := in.versions(""); payments != len(c.buyers) {
		t.Errorf("there were %d payments for %d orders", payments, len(c.buyers))
	}
}

// A crowd is buyers who pay at once, and where the provider is now.
type crowd struct {
	buyers           []*buyer
	provider         atomic.Pointer[adapter.Provider]
	answered, failed atomic.Int64
}

// pay returns when everybody has been answered everything.
func (c *crowd) pay(ctx context.Context) error {
	paying, ctx := errgroup.WithContext(ctx)
	paying.SetLimit(16)
	for _, b := range c.buyers {
		paying.Go(func() error {
			for _, s := range b.steps() {
				if err := c.insist(ctx, b, s); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return paying.Wait()
}

// insist asks with the same key until there is an answer.
func (c *crowd) insist(ctx context.Context, b *buyer, s step) error {
	for {
		got, err := s.ask(ctx, c.provider.Load(), b.key(s.key))
		switch {
		case err == nil:
			b.told[b.key(s.key)], b.last = got, got
			c.answered.Add(1)
			return nil
		case ctx.Err() != nil, errors.Is(err, payments.ErrConflict), errors.Is(err, payments.ErrUnknown):
			return err
		}
		c.failed.Add(1)
	}
}

// check compares what the buyer was told with what the provider knows now, what
// it answers to a repetition, and what its notices say.
func (b *buyer) check(t *testing.T, p payments.Provider, in *inbox) {
	t.Helper()
	if now, err := p.Payment(t.Context(), b.last.ID); err != nil || now != b.last {
		t.Errorf("payment %+v, %v, but the buyer was told %+v", now, err, b.last)
	}
	for i, s := range b.steps() {
		told := b.told[b.key(s.key)]
		if told.Version != int64(i+1) {
			t.Errorf("%s took effect as change %d", b.key(s.key), told.Version)
		}
		if again, err := s.ask(t.Context(), p, b.key(s.key)); err != nil || again != told {
			t.Errorf("%s again: %+v, %v, want the first answer %+v", b.key(s.key), again, err, told)
		}
		testenv.Eventually(t, time.Minute, "a notice of each change", func() bool {
			of, _ := in.versions(told.ID)
			return of[told.Version] == told
		})
	}
}
