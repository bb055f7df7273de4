package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/device"
	"designkits/cases/messaging/audit"
	"designkits/cases/messaging/wire"
	"designkits/shared/pause"
)

// A crowd is all people and what they talk in.
type crowd struct {
	cfg     config
	log     *slog.Logger
	metrics *metrics
	screens *audit.Live

	people atomic.Pointer[[]*person] // those who have an account
	pairs  []*conversation
	group  *conversation
}

type person struct {
	account device.Account
	*device.Device
}

type conversation struct {
	id      messaging.ConversationID
	title   string
	members []*person // the first begins it
}

func newCrowd(cfg config, log *slog.Logger, r *prometheus.Registry) *crowd {
	c := &crowd{cfg: cfg, log: log, screens: audit.NewLive(cfg.Late)}
	c.people.Store(&[]*person{})
	c.metrics = newMetrics(r, c)
	return c
}

func (c *crowd) all() []*person { return *c.people.Load() }

// live is all that they do, until the context ends.
func (c *crowd) live(ctx context.Context) error {
	devices, ctx := errgroup.WithContext(ctx)
	devices.Go(func() error {
		if err := c.gather(ctx, devices); err != nil {
			return err
		}
		if err := c.begin(ctx); err != nil {
			return err
		}
		c.log.Info("all are there", "people", len(c.all()), "pairs", len(c.pairs))
		return c.talk(ctx)
	})
	return devices.Wait()
}

// gather makes everybody's account, one after the other, and connects their devices.
// While there is no gateway yet, or the limit of accounts is reached, it tries on, each
// time at another gateway and with another name: the answer to the last try may be lost.
func (c *crowd) gather(ctx context.Context, devices *errgroup.Group) error {
	round := strings.ToLower(rand.Text()[:6])
	for n, tries := 0, 0; n < c.cfg.People; {
		page := "http://" + c.cfg.Gateways[tries%len(c.cfg.Gateways)]
		tries++
		account, err := signUp(ctx, page, fmt.Sprintf("crowd-%s-%d", round, tries))
		if err != nil {
			c.log.Warn("an account can't be made yet", "error", err.Error())
			if !pause.For(ctx, 2*time.Second) {
				return ctx.Err()
			}
			continue
		}
		n++
		p := &person{account, device.New(device.Config{
			Address: account.Device, Token: account.Token, Gateways: func() []string { return c.cfg.Gateways },
			Shown: func(m messaging.Message) error { c.shown(account.Device, m); return nil },
		})}
		devices.Go(func() error {
			if err := p.Run(ctx); err != nil && ctx.Err() == nil {
				return fmt.Errorf("the device of %s: %w", account.Name, err)
			}
			return nil
		})
		all := append(c.all()[:n-1:n-1], p)
		c.people.Store(&all)
	}
	return nil
}

// signUpWithin is what a gateway that is frozen may take of gather's time.
const signUpWithin = 10 * time.Second

func signUp(ctx context.Context, page, name string) (device.Account, error) {
	ctx, cancel := context.WithTimeout(ctx, signUpWithin)
	defer cancel()
	return device.SignUp(ctx, page, name, "phone")
}

// begin begins the conversations: of each with the next one and with the third one
// on, and of all.
func (c *crowd) begin(ctx context.Context) error {
	people := c.all()
	known := map[messaging.ConversationID]bool{}
	for i, p := range people {
		for _, further := range []int{1, 3} {
			other := people[(i+further)%len(people)]
			id := messaging.DirectID(p.account.Device.User, other.account.Device.User)
			if other != p && !known[id] {
				known[id] = true
				c.pairs = append(c.pairs, &conversation{id: id, members: []*person{p, other}})
			}
		}
	}
	c.group = &conversation{id: messaging.NewConversationID(messaging.Group), title: "Everybody", members: people}
	each, ctx := errgroup.WithContext(ctx)
	each.SetLimit(8)
	for _, t := range slices.Concat(c.pairs, []*conversation{c.group}) {
		each.Go(func() error { return c.created(ctx, t) })
	}
	return each.Wait()
}

func (c *crowd) created(ctx context.Context, t *conversation) error {
	var devices []messaging.Address
	m := wire.Send{Conversation: t.id, ID: messaging.MessageID(rand.Text()), Kind: messaging.Created, Title: t.title}
	for i, p := range t.members {
		devices = append(devices, p.account.Device)
		if i > 0 {
			m.Users = append(m.Users, p.account.Device.User)
		}
	}
	c.screens.Begin(t.id, devices...)
	if _, err := t.members[0].Send(ctx, m); err != nil {
		return fmt.Errorf("begin a conversation of %d: %w", len(t.members), err)
	}
	return nil
}
