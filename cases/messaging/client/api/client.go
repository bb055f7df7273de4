package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/client/body"
	"designkits/cases/messaging/client/e2e"
	"designkits/cases/messaging/device"
)

// Config is what a Client needs.
type Config struct {
	Store e2e.Store
	// Gateway is one to begin with, "host:port"; it tells of the others.
	Gateway string
	HTTP    *http.Client     // default http.DefaultClient
	Now     func() time.Time // default time.Now
	// Changed, if set, is called when something of a conversation has changed, and
	// with "" when the connection or somebody's presence has. It must not block.
	Changed func(messaging.ConversationID)
}

// A Client is one device of one person. Its methods may be called by many goroutines
// at once.
type Client struct {
	cfg   Config
	store *staged

	mu      sync.Mutex
	me      account
	e2e     *e2e.Device // nil before the device has an account
	link    *device.Device
	on      device.On
	talks   map[messaging.ConversationID]*talk
	outbox  []*outgoing
	nextOut int
	people  map[messaging.UserID]*person
	unnamed []messaging.UserID // whose names are about to be asked for
	failed  error              // of the Store: nothing goes on
	wake    chan struct{}      // of one: there is something to send
	chores  chan func(context.Context)
}

// account is who the device is.
type account struct {
	User      messaging.UserID  `json:"user"`
	Name      string            `json:"name"`
	Device    messaging.Address `json:"device"`
	Token     string            `json:"token"`
	Published bool              `json:"published"` // its keys are
	Rotated   time.Time         `json:"rotated"`   // its signed prekey was
	Gateways  []string          `json:"gateways"`
	Connected time.Time         `json:"connected"` // when it last was
}

// A talk is what the device keeps of a conversation.
type talk struct {
	items    map[messaging.Seq]body.Item
	last     messaging.Seq
	roster   *messaging.Roster // nil until it is known
	receipts map[messaging.Address]messaging.Receipt
	typing   map[messaging.UserID]time.Time // until when
	seen     messaging.Seq
	folded   []body.Entry // nil after a change
}

// ErrNoAccount is of a Store with which nobody has signed up or linked a device.
var ErrNoAccount = errors.New("this device has no account yet: sign up, or link it to one")

// ErrAccount is of one with which somebody has.
var ErrAccount = errors.New("this device has an account already: another person, or a second device, needs a state of its own")

// Open returns the client of a Store, which may be empty.
func Open(cfg Config) (*Client, error) {
	if cfg.HTTP == nil {
		cfg.HTTP = http.DefaultClient
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Changed == nil {
		cfg.Changed = func(messaging.ConversationID) {}
	}
	c := &Client{
		cfg: cfg, store: &staged{below: cfg.Store, changes: map[string][]byte{}}, talks: map[messaging.ConversationID]*talk{},
		people: map[messaging.UserID]*person{}, wake: make(chan struct{}, 1), chores: make(chan func(context.Context), 256),
	}
	switch d, err := e2e.Open(c.store); {
	case errors.Is(err, e2e.ErrNoDevice):
		return c, nil
	case err != nil:
		return nil, err
	default:
		c.e2e = d
	}
	return c, c.load()
}

// load reads what the Store keeps.
func (c *Client) load() error {
	text, err := c.store.Get(keyMe)
	if err == nil {
		err = json.Unmarshal(text, &c.me)
		c.person(c.me.User).name = c.me.Name
	}
	return errors.Join(
		err,
		each(c.store, keyItem, func(key string, item body.Item) {
			conversation, _, _ := strings.Cut(key, "/")
			c.talk(messaging.ConversationID(conversation)).keep(item)
		}),
		each(c.store, keyRoster, func(key string, r messaging.Roster) { c.talk(messaging.ConversationID(key)).roster = &r }),
		each(c.store, keySeen, func(key string, seen messaging.Seq) { c.talk(messaging.ConversationID(key)).seen = seen }),
		each(c.store, keyName, func(key, name string) { c.person(messaging.UserID(key)).name = name }),
		each(c.store, keyOut, func(key string, o outgoing) {
			o.number, _ = strconv.Atoi(key)
			c.outbox, c.nextOut = append(c.outbox, &o), o.number+1
		}),
	)
}

func (c *Client) talk(id messaging.ConversationID) *talk {
	t := c.talks[id]
	if t == nil {
		t = &talk{items: map[messaging.Seq]body.Item{}, receipts: map[messaging.Address]messaging.Receipt{}, typing: map[messaging.UserID]time.Time{}}
		c.talks[id] = t
	}
	return t
}

func (t *talk) keep(item body.Item) {
	t.items[item.Seq] = item
	t.last = max(t.last, item.Seq)
	t.folded = nil
}

// awayFor is after how long the device asks how far everything is, rather than
// trust that its inbox has kept it all.
const awayFor = messaging.InboxFor - 24*time.Hour

// learnWithin is how long is waited to learn which gateways there are.
const learnWithin = 3 * time.Second

// Run stays connected until the context ends, until the device is told to stay away
// (*device.Closed or *Problem: it was signed out, or runs elsewhere too), or until
// the Store fails.
func (c *Client) Run(ctx context.Context) error {
	if c.Me().User == "" {
		return ErrNoAccount
	}
	learning, cancel := context.WithTimeout(ctx, learnWithin)
	c.learnGateways(learning) // else all who begin would go to the one they were given
	cancel()
	c.mu.Lock()
	has := map[messaging.ConversationID]messaging.Seq{}
	for id, t := range c.talks {
		if t.last > 0 {
			has[id] = t.last
		}
	}
	c.link = device.New(device.Config{
		Address: c.me.Device, Token: c.me.Token, Gateways: c.reachable, Dial: dial, Has: has,
		All: c.cfg.Now().Sub(c.me.Connected) > awayFor, Shown: c.shown, Heard: c.heard,
	})
	c.mu.Unlock()
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error { return c.link.Run(ctx) })
	work.Go(func() error { return c.deliver(ctx) })
	work.Go(func() error { return c.maintain(ctx) })
	work.Go(func() error {
		for {
			select {
			case do := <-c.chores:
				do(ctx)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	c.stir()
	return work.Wait()
}

// later has something done in time that needs the network, by one goroutine. When
// too much waits it is left out, and false: nothing that is done so can't be done again.
func (c *Client) later(do func(context.Context)) bool {
	select {
	case c.chores <- do:
		return true
	default:
		return false
	}
}

func (c *Client) stir() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// commit stores what is staged. A Store that has failed ends the client: what e2e
// holds in memory may be ahead of it. c.mu is held.
func (c *Client) commit() error {
	if c.failed == nil {
		c.failed = c.store.flush()
	}
	return c.failed
}

// change runs do and commits what it has staged, or drops it on its error.
func (c *Client) change(do func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed != nil {
		return c.failed
	}
	if err := do(); err != nil {
		c.store.drop()
		return err
	}
	return c.commit()
}

func (c *Client) token() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.me.Token
}

// reachable are the gateways to ask: the one that was given first.
func (c *Client) reachable() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known()
}

func (c *Client) known() []string {
	all := []string{}
	if c.cfg.Gateway != "" {
		all = append(all, c.cfg.Gateway)
	}
	for _, g := range c.me.Gateways {
		if !slices.Contains(all, g) {
			all = append(all, g)
		}
	}
	return all
}

// learnGateways asks which gateways there are now. Those that have gone are left out,
// unless it is the one that was given: it may come back.
func (c *Client) learnGateways(ctx context.Context) {
	var answer struct {
		Gateways []struct{ Address string }
	}
	if err := c.call(ctx, http.MethodGet, "/api/gateways", nil, nil, &answer); err != nil || len(answer.Gateways) == 0 {
		return // those that were known are tried on
	}
	all := make([]string, len(answer.Gateways))
	for i, g := range answer.Gateways {
		all[i] = g.Address
	}
	_ = c.change(func() error { // a Store that has failed is told by the next to need it
		if slices.Equal(all, c.me.Gateways) {
			return nil
		}
		c.me.Gateways = all
		return c.store.put(keyMe, c.me)
	})
}

// Me is who the device is; the account is empty before there is one.
func (c *Client) Me() Me {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Me{User: c.me.User, Name: c.me.Name, Device: c.me.Device, Gateway: c.on.Gateway, Current: c.on.Current, Gateways: c.known()}
}

// Me is who a device is, and what its connection is at.
type Me struct {
	User     messaging.UserID  `json:"user"`
	Name     string            `json:"name"`
	Device   messaging.Address `json:"-"`
	Gateway  string            `json:"gateway"` // "" while it isn't connected
	Current  bool              `json:"current"`
	Gateways []string          `json:"gateways"`
}

func itemKey(c messaging.ConversationID, s messaging.Seq) string {
	return fmt.Sprintf("%s%s/%016d", keyItem, c, s)
}

// conversations are the ids of all, in no order. c.mu is held.
func (c *Client) conversations() []messaging.ConversationID {
	return slices.Collect(maps.Keys(c.talks))
}

// address and of translate between the server's addresses and e2e's.
func address(a messaging.Address) e2e.Address {
	return e2e.Address{User: string(a.User), Device: uint32(a.Device)}
}

func of(a e2e.Address) messaging.Address {
	return messaging.Address{User: messaging.UserID(a.User), Device: messaging.DeviceID(a.Device)}
}
