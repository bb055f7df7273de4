// Package crowd is the people that benches and experiments bring along: their
// accounts, their devices, and the gateways and chat processes that they talk
// through, started for them. What they were told and what they show is written down
// in an audit.Book.
//
// They all come from this machine, so that the processes' limits for one address
// are lifted; the limits of messages, of conversations and of memory are not.
package crowd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/cassandra"
	"designkits/cases/messaging/adapters/device"
	"designkits/cases/messaging/audit"
	"designkits/cases/messaging/identity"
	"designkits/shared/cql"
	"designkits/shared/kitenv"
	"designkits/shared/rig"
)

// A Site is the case with everything that a crowd needs to use it.
type Site struct {
	*rig.Case
	DB   *cassandra.DB
	Book *audit.Book

	tokens  identity.Tokens
	running sync.WaitGroup // devices
	stop    context.CancelFunc
	ctx     context.Context // the devices'
}

// secret signs tokens, here as in keys.
const secret = "the secret of a crowd, of 32 bytes"

var settings = map[string]string{
	"TOKEN_SECRET": secret, "WASM_E2E": "", "PER_ADDRESS": "1000000", "ADDRESS_CONNECTS": "100000000", "PERSON_CONNECTS": "100000",
	"UNFINISHED_OF_ONE": "20000", "FRAMES_A_SECOND": "5000", "CONVERSATIONS_AN_HOUR": "1000000",
}

// Open starts gateways and chat processes, in a namespace of their own unless the
// options name one. The caller closes it.
func Open(ctx context.Context, o rig.Options) (*Site, error) {
	o.Only = append(o.Only, "gateway", "chat")
	env := maps.Clone(settings)
	maps.Copy(env, o.Env)
	o.Env = env
	c, err := rig.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	s := &Site{Case: c, Book: audit.New(), tokens: identity.Tokens{Secret: []byte(secret), Now: time.Now}}
	s.ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	addr, err := kitenv.Addr("cassandra")
	if err == nil {
		s.DB, err = cassandra.Open(ctx, cassandra.Config{Config: cql.Config{Hosts: []string{addr}, Keyspace: c.Namespace}, Timeout: 20 * time.Second})
	}
	if err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	return s, nil
}

// Close ends the devices and the processes.
func (s *Site) Close(ctx context.Context) error {
	s.stop()
	s.running.Wait()
	if s.DB != nil {
		s.DB.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	return s.Stop(context.WithoutCancel(ctx))
}

// Gateways are the addresses of all.
func (s *Site) Gateways() (all []string) {
	for _, name := range s.Names() {
		if len(name) > len("gateway-") && name[:len("gateway-")] == "gateway-" {
			all = append(all, s.Addr(name))
		}
	}
	slices.Sort(all)
	return all
}

// Token is one that a device was given when it was linked.
func (s *Site) Token(a messaging.Address) string {
	token, _, _ := s.tokens.Sign(a) // one that couldn't be signed is refused
	return token
}

// Nobody is a device without an account: it can connect, and no more.
func Nobody() messaging.Address { return messaging.Address{User: messaging.NewUserID(), Device: 1} }

// People makes accounts of n people with so many devices each.
func (s *Site) People(ctx context.Context, n, devices int) ([][]messaging.Address, error) {
	all := make([][]messaging.Address, n)
	each, ctx := errgroup.WithContext(ctx)
	each.SetLimit(32)
	for i := range all {
		each.Go(func() error {
			u := messaging.NewUserID()
			if err := s.DB.Accounts().Create(ctx, u, "name"+string(u)); err != nil {
				return err
			}
			for range devices {
				d, err := s.DB.Accounts().Link(ctx, u, "phone")
				if err != nil {
					return err
				}
				all[i] = append(all[i], d.Address)
			}
			return nil
		})
	}
	if err := each.Wait(); err != nil {
		return nil, fmt.Errorf("crowd: make the accounts of %d people: %w", n, err)
	}
	return all, nil
}

// Connect runs devices until the site is closed, and returns when they have caught
// up. What they show is written into the book, and then told to shown, if it is set.
func (s *Site) Connect(ctx context.Context, gateways func() []string, shown func(by messaging.Address, m messaging.Message), all ...messaging.Address) (map[messaging.Address]*device.Device, error) {
	devices := make(map[messaging.Address]*device.Device, len(all))
	for _, a := range all {
		d := device.New(device.Config{Address: a, Token: s.Token(a), Gateways: gateways, Shown: func(m messaging.Message) error {
			s.Book.Shown(a, m)
			if shown != nil {
				shown(a, m)
			}
			return nil
		}})
		devices[a] = d
		s.running.Go(func() { _ = d.Run(s.ctx) }) // one that was told to stay away is missed by who waits for it
	}
	return devices, Await(ctx, 2*time.Minute, "devices that have caught up", len(all), func() (n int) {
		for _, d := range devices {
			if d.Current() {
				n++
			}
		}
		return n
	})
}

// Await waits until there are enough of something.
func Await(ctx context.Context, within time.Duration, what string, enough int, count func() int) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		n := count()
		if n >= enough {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d %s within %s", n, enough, what, within)
		}
	}
}
