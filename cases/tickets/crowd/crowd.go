// Package crowd is who comes to a sale: fans, who look, think, change their
// minds and pay with cards that may be declined, and bots, who do none of that.
// It is open-loop: everybody comes when they come, however slow the sale is.
//
// It knows the public API alone. What it was told it keeps in a tally, so that
// the books can be compared with what people believe.
//
// Each person is a goroutine, and all share a bounded number of connections. A
// page would follow its place and the seats by streams; here each fan asks for
// its place now and then, and the seats are read once for all, since thousands
// of streams on one machine would measure that machine.
package crowd

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/client"
	"designkits/cases/tickets/identity"
	"designkits/shared/pause"
)

// A Config says who comes to which sale.
type Config struct {
	Client     *client.Client // without a session
	Event      tickets.EventID
	Fans, Bots int
	// Early is the share of fans who come within Before before the sale begins;
	// the others come after, most at once and half of the rest within each tenth
	// of After. Bots come at once.
	Early         float64
	Before, After time.Duration
	Think         time.Duration // how long a fan thinks at each step, on average
	Patience      time.Duration // after which a fan goes away without tickets
	GiveUp        float64       // share of fans who hold seats and then don't want them
	// Sources are what fans pay with, and how many in a hundred; the others pay
	// with "tok_ok".
	Sources map[string]int
	Seed    uint64
}

// Usual returns an ordinary crowd of that size.
func Usual(c *client.Client, event tickets.EventID, fans, bots int) Config {
	return Config{
		Client: c, Event: event, Fans: fans, Bots: bots,
		Early: 0.5, Before: 3 * time.Second, After: 10 * time.Second, Think: time.Second, Patience: 2 * time.Minute, GiveUp: 0.04,
		Sources: map[string]int{"tok_declined": 4, "tok_slow": 3, "tok_timeout": 1}, Seed: 1,
	}
}

// A Crowd is one that comes once.
type Crowd struct {
	cfg   Config
	state client.State
	start time.Time // when the sale begins, by this clock
	view  *view
	tally *tally
}

// New returns a crowd that hasn't come yet.
func New(cfg Config) *Crowd { return &Crowd{cfg: cfg, tally: newTally()} }

// Figures are what has happened so far; also while it runs.
func (c *Crowd) Figures() Figures { return c.tally.figures() }

// Orders are those that the crowd was told of.
func (c *Crowd) Orders() map[tickets.OrderID]Seen { return c.tally.seen() }

// Run lets the crowd come, and returns when everybody has gone. When the context
// ends they go at once.
func (c *Crowd) Run(ctx context.Context) error {
	var err error
	if c.state, err = c.cfg.Client.Event(ctx, c.cfg.Event); err != nil {
		return fmt.Errorf("crowd: %w", err)
	}
	c.start = time.Now().Add(c.state.OnSale.Sub(c.state.Now))
	if c.view, err = newView(ctx, c.cfg.Client, c.cfg.Event); err != nil {
		return fmt.Errorf("crowd: %w", err)
	}
	watching, stop := context.WithCancel(ctx)
	var watch, people sync.WaitGroup
	watch.Go(func() { c.view.follow(watching) })
	for n := range c.cfg.Fans {
		p := c.person(n, "fan", browser(n))
		people.Go(func() { p.come(ctx, c.arrival(p.random), p.beFan) })
	}
	for n := range c.cfg.Bots {
		p := c.person(c.cfg.Fans+n, "bot", disguise(n))
		come := c.start.Add(-c.cfg.Before).Add(time.Duration(p.random.IntN(500)) * time.Millisecond)
		people.Go(func() { p.come(ctx, come, p.beBot) })
	}
	people.Wait()
	stop()
	watch.Wait()
	return nil
}

// arrival is when a fan comes.
func (c *Crowd) arrival(random *rand.Rand) time.Time {
	if random.Float64() < c.cfg.Early {
		return c.start.Add(-time.Duration(random.Float64() * float64(c.cfg.Before)))
	}
	late := random.ExpFloat64() * float64(c.cfg.After) / 10
	return c.start.Add(time.Duration(min(late, float64(c.cfg.After))))
}

// A person is one fan or bot.
type person struct {
	*Crowd
	kind   string // "fan" or "bot"
	random *rand.Rand
	api    *client.Client // with its session, once it has one
	pass   string
	buying int // orders it has placed
}

func (c *Crowd) person(n int, kind string, header http.Header) *person {
	random := rand.New(rand.NewPCG(c.cfg.Seed, uint64(n)))
	return &person{Crowd: c, kind: kind, random: random, api: c.cfg.Client.With(header)}
}

// come waits until it is time, gets a session, and does what it came for.
func (p *person) come(ctx context.Context, when time.Time, be func(context.Context) string) {
	if !pause.For(ctx, time.Until(when)) {
		return
	}
	trying, cancel := context.WithTimeout(ctx, p.cfg.Patience)
	defer cancel()
	outcome := Unserved
	session, err := p.api.Session(trying, identity.Fan, "")
	if err == nil {
		p.api = p.api.As(session.Token)
		outcome = be(trying)
	}
	if trying.Err() != nil && outcome != Bought {
		outcome = Impatient
	}
	if ctx.Err() == nil {
		p.tally.left(p.kind, outcome)
	}
}

// think takes its time.
func (p *person) think(ctx context.Context) bool {
	return pause.For(ctx, time.Duration((0.5+p.random.Float64())*float64(p.cfg.Think)))
}
