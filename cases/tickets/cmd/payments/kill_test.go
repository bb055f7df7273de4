package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	case <-time.After(30 * time.Second):
		t.Fatal("the process doesn't serve within 30 s")
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
	in := newInbox(t)
	env := settings(t, in.url)
	var current atomic.Pointer[adapter.Provider]
	p := start(t, env)
	current.Store(client(t, p.url))

	const buyers, lanes, kills = 600, 16, 4
	all := make([]*buyer, buyers)
	var answered, failed atomic.Int64
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	paying, ctx := errgroup.WithContext(ctx)
	paying.SetLimit(lanes + 1)
	paying.Go(func() error {
		for i := range all {
			b := &buyer{number: i, told: map[string]payments.Payment{}}
			all[i] = b
			paying.Go(func() error {
				for _, s := range b.steps() {
					got, err := s.ask(ctx, current.Load(), b.key(s.key))
					for err != nil && ctx.Err() == nil { // with the same key until it is answered
						if errors.Is(err, payments.ErrConflict) || errors.Is(err, payments.ErrUnknown) {
							return err
						}
						failed.Add(1)
						got, err = s.ask(ctx, current.Load(), b.key(s.key))
					}
					if err != nil {
						return err
					}
					b.told[b.key(s.key)], b.last = got, got
					answered.Add(1)
				}
				return nil
			})
		}
		return nil
	})
	for i := range kills {
		testenv.Eventually(t, time.Minute, "some have paid", func() bool {
			return answered.Load() > int64((i+1)*buyers/kills) || ctx.Err() != nil
		})
		p.kill()
		p = start(t, env)
		current.Store(client(t, p.url))
	}
	if err := paying.Wait(); err != nil {
		t.Fatal(err)
	}
	if failed.Load() == 0 {
		t.Error("no call failed: the kills weren't in the middle of anything")
	}
	t.Logf("%d answers, %d calls had to be repeated", answered.Load(), failed.Load())
	for _, b := range all {
		b.check(t, current.Load(), in)
	}
	if _, payments := in.versions(""); payments != buyers {
		t.Errorf("there were %d payments for %d orders", payments, buyers)
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
		testenv.Eventually(t, 10*time.Second, "a notice of each change", func() bool {
			of, _ := in.versions(told.ID)
			return of[told.Version] == told
		})
	}
}
