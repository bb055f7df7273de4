package curveballs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/kafka"
	"designkits/cases/messaging/crowd"
	"designkits/cases/messaging/fanout"
	"designkits/cases/messaging/wire"
	"designkits/shared/curveball"
	"designkits/shared/fault/link"
	"designkits/shared/kitenv"
	"designkits/shared/redis"
)

// PubSubLoses is the way from fan-out to a gateway while the gateway's line is down.
var PubSubLoses = curveball.Experiment{
	Name:       "pubsub-loses",
	Question:   "Redis has publish and subscribe, and it is already there. Why does what is said go to gateways through Kafka? A gateway's line is down for a moment.",
	Hypothesis: "From Kafka it reads on where it was: nothing is missing, all is in order.",
	Answer: `A channel of Redis remembers nothing: what is published while the subscriber is away goes to nobody, and neither
side is told. A topic of Kafka is a place to read from; a gateway knows how far it has read and goes on there
([Follow](adapters/kafka/deliveries.go)). It isn't the last word either: each device sees by the numbers what it misses and asks for it.
But a lost announcement costs a device up to a route's refresh, and a whole gateway's devices asking at once
is a storm of reads, so the way itself should not lose. What may get lost, typing and presence, does go through Redis
([Peers](adapters/redis/peers.go)).`,
	Expect: curveball.Bands{
		curveball.AtMost("announcements that never come, of 600", "", 0),
		curveball.AtMost("announcements that come twice or out of order", "", 0),
	},
	Control: curveball.With("publish and subscribe of Redis", "way", "redis"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		open := kafkaWay
		if t.Option("way", "kafka") == "redis" {
			open = redisWay
		}
		h := &hearer{}
		way, err := open(ctx, t, h)
		if err != nil {
			return err
		}
		const announcements = 600
		for n := 1; n <= announcements; n++ {
			switch n {
			case announcements / 3:
				err = t.Break(ctx, "the gateway's line is cut", func(context.Context) error { way.line.Cut(); return nil }, func(context.Context) error { return way.line.Mend() })
			case 2 * announcements / 3:
				err = t.Mend(ctx)
			}
			if err != nil {
				return err
			}
			if err := way.send(ctx, messaging.Seq(n)); err != nil {
				return err
			}
			if err := t.Wait(ctx, 2*time.Millisecond); err != nil { // as fast as they are said, not as can be
				return err
			}
		}
		_ = crowd.Await(ctx, 15*time.Second, "announcements", announcements, h.different) // it is judged below
		t.Figure("announcements that never come, of 600", float64(announcements-h.different()))
		t.Figure("announcements that come twice or out of order", float64(h.misplaced()))
		return ctx.Err()
	},
}

// A way leads from fan-out to a gateway.
type way struct {
	send func(ctx context.Context, s messaging.Seq) error
	line *link.Link // the gateway's
}

// A hearer writes down what a gateway hears.
type hearer struct {
	mu    sync.Mutex
	heard []messaging.Seq
}

func (h *hearer) hears(s messaging.Seq) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard = append(h.heard, s)
}

func (h *hearer) different() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := map[messaging.Seq]bool{}
	for _, s := range h.heard {
		seen[s] = true
	}
	return len(seen)
}

func (h *hearer) misplaced() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	last := messaging.Seq(0)
	for _, s := range h.heard {
		if s <= last {
			n++
		}
		last = max(last, s)
	}
	return n
}

// open opens a line to a backend, which ends with the trial.
func openLine(t *curveball.Trial, backend string) (addr string, line *link.Link, err error) {
	if addr, err = kitenv.Addr(backend); err != nil {
		return "", nil, err
	}
	if line, err = link.Open(addr); err != nil {
		return "", nil, err
	}
	t.Cleanup(func(context.Context) error { line.Close(); return nil })
	return addr, line, nil
}

// kafkaWay is the case's.
func kafkaWay(ctx context.Context, t *curveball.Trial, h *hearer) (*way, error) {
	addr, line, err := openLine(t, "kafka")
	if err != nil {
		return nil, err
	}
	namespace, err := kitenv.Namespace()
	if err != nil {
		return nil, err
	}
	cfg := kafka.Config{Brokers: []string{addr}, Namespace: namespace}
	sender, err := kafka.NewDeliveries(cfg)
	if err != nil {
		return nil, err
	}
	t.Cleanup(sender.Close)
	// Whatever address the broker tells of itself, the gateway gets there by its line.
	cfg.Options = []kgo.Opt{kgo.Dialer(func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, line.Addr())
	})}
	gateway, err := kafka.NewDeliveries(cfg)
	if err != nil {
		return nil, err
	}
	t.Cleanup(gateway.Close)
	err = follow(ctx, t, func(ctx context.Context, ready func()) error {
		return gateway.Follow(ctx, "gateway-1", slog.New(slog.DiscardHandler), ready, func(all []fanout.Delivery) {
			for _, a := range all {
				h.hears(a.Seq)
			}
		})
	})
	said := messaging.Draft{
		Conversation: messaging.NewConversationID(messaging.Group), ID: "always-the-same-0", Kind: messaging.Posted,
		Sender: messaging.Address{User: messaging.NewUserID(), Device: 1}, Body: messaging.Body{Shared: []byte("hello")},
	}
	return &way{line: line, send: func(ctx context.Context, s messaging.Seq) error {
		return sender.Deliver(ctx, "gateway-1", []fanout.Delivery{{
			Conversation: said.Conversation, Seq: s, To: []messaging.Address{said.Sender}, Frame: wire.Encode(wire.Message{Message: messaging.Message{Draft: said, Seq: s}}),
		}})
	}}, err
}

// redisWay is a channel, through the follower by which gateways hear of what may get
// lost.
func redisWay(ctx context.Context, t *curveball.Trial, h *hearer) (*way, error) {
	addr, line, err := openLine(t, "redis")
	if err != nil {
		return nil, err
	}
	channel, err := kitenv.Namespace()
	if err != nil {
		return nil, err
	}
	sender, gateway := redis.Open(addr), redis.Open(line.Addr())
	t.Cleanup(func(ctx context.Context) error { return errors.Join(sender.Close(ctx), gateway.Close(ctx)) })
	err = follow(ctx, t, func(ctx context.Context, ready func()) error {
		return redis.Follower{
			Client: gateway, Channel: channel, What: "announcements", Log: slog.New(slog.DiscardHandler), Connected: sync.OnceFunc(ready),
			Apply: func(message string) error {
				var s messaging.Seq
				err := json.Unmarshal([]byte(message), &s)
				h.hears(s)
				return err
			},
		}.Run(ctx)
	})
	return &way{line: line, send: func(ctx context.Context, s messaging.Seq) error {
		return sender.Publish(ctx, channel, int64(s)).Err()
	}}, err
}

// follow runs a follower until the trial ends, and returns once it hears.
func follow(ctx context.Context, t *curveball.Trial, run func(ctx context.Context, ready func()) error) error {
	ready := make(chan struct{})
	following, end := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- run(following, func() { close(ready) }) }() // ends with the trial
	t.Cleanup(func(context.Context) error {
		end()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	})
	select {
	case <-ready:
		return nil
	case <-time.After(30 * time.Second):
		return fmt.Errorf("the gateway hears nothing within 30 s")
	case <-ctx.Done():
		return ctx.Err()
	}
}
