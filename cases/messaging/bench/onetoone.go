package bench

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/crowd"
	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/wire"
	harness "designkits/shared/bench"
	"designkits/shared/kitenv"
	"designkits/shared/load"
	"designkits/shared/rig"
)

// pairs are how many talk to each other, each pair with one message under way at most.
const pairs = 256

var oneToOne = harness.Bench{
	Name:  "one-to-one",
	About: "messages of two people brought to the other's screen, durable, against a bare WebSocket, one Cassandra insert, and a WebSocket",
	Run: func(ctx context.Context, r *harness.Run) (err error) {
		bare, stopBare, err := barePairs(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stopBare()) }()
		ours, stopOurs, err := casePairs(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stopOurs()) }()
		slo := load.SLO{P99: 250 * time.Millisecond}
		err = r.Compare(ctx, harness.Comparison{
			Name: "one-to-one", From: 200, Workers: pairs, SLO: slo, Goal: harness.RatioAtLeast(0.6),
			Baseline: bare.call, Candidate: ours.call,
		})
		if err != nil {
			return err
		}
		half := load.Plan{Rate: max(1, r.Results[0].Value/2), For: r.For(20 * time.Second), Warmup: r.For(2 * time.Second), Workers: pairs}
		at, err := load.Run(ctx, half, ours.call)
		if err != nil {
			return fmt.Errorf("one-to-one at half of that: %w", err)
		}
		r.Report(harness.Result{
			Name: "one-to-one-p99", Unit: "ms", Value: float64(at.Quantile(99).Microseconds()) / 1000,
			Note: fmt.Sprintf("from send to the other's screen, at %.0f/s: %s", half.Rate, at),
		}, harness.AtMost(100))
		return nil
	},
}

// text is a body, as long as a short text in its envelope.
var text = make([]byte, 300)

// barePairs starts the baseline, and whoever talks through it.
func barePairs(ctx context.Context) (t *talk, stop func() error, err error) {
	addr, err := kitenv.Addr("cassandra")
	if err != nil {
		return nil, nil, err
	}
	namespace, err := kitenv.Namespace()
	if err != nil {
		return nil, nil, err
	}
	program, err := rig.StartProgram(ctx, ".", "./bench/bare", map[string]string{"CASSANDRA": addr, "NAMESPACE": namespace})
	if err != nil {
		return nil, nil, err
	}
	t = newTalk()
	stop = func() error {
		t.close()
		return program.Stop(context.WithoutCancel(ctx))
	}
	for i := range pairs {
		p := t.pairs[i]
		if p.from, err = dial(ctx, fmt.Sprintf("ws://%s/chat?name=from-%d", program.Addr, i), i); err == nil {
			p.to, err = dial(ctx, fmt.Sprintf("ws://%s/chat?name=to-%d", program.Addr, i), i)
		}
		if err != nil {
			return nil, nil, errors.Join(err, stop())
		}
		p.frame = func(id string) []byte {
			return fmt.Appendf(nil, `{"type":"message","id":%q,"to":"to-%d","body":%q}`, id, i, base64.StdEncoding.EncodeToString(text))
		}
		t.listen(p)
	}
	return t, stop, nil
}

// casePairs starts the case, and whoever talks through it: of each pair one is at
// one gateway and the other at the other.
func casePairs(ctx context.Context) (t *talk, stop func() error, err error) {
	s, err := crowd.Open(ctx, rig.Options{})
	if err != nil {
		return nil, nil, err
	}
	t = newTalk()
	acking, end := context.WithCancel(context.WithoutCancel(ctx))
	stop = func() error {
		end()
		t.close()
		return s.Close(ctx)
	}
	people, err := s.People(ctx, 2*pairs, 1)
	if err == nil {
		all, joining := errgroup.WithContext(ctx)
		all.SetLimit(16)
		for i, p := range t.pairs {
			all.Go(func() error { return t.meet(joining, s, i, p, people[2*i][0], people[2*i+1][0]) })
		}
		err = all.Wait()
	}
	if err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	t.reading.Go(func() { t.acknowledge(acking) })
	return t, stop, nil
}

// meet connects a pair, has both catch up, and begins their conversation.
func (t *talk) meet(ctx context.Context, s *crowd.Site, i int, p *pair, from, to messaging.Address) (err error) {
	gateways := s.Gateways()
	for _, end := range []struct {
		line **line
		at   string
		a    messaging.Address
	}{{&p.from, gateways[0], from}, {&p.to, gateways[1%len(gateways)], to}} {
		if *end.line, err = dial(ctx, "ws://"+end.at+"/connect", i, identity.Protocol, identity.Bearer(s.Token(end.a))); err != nil {
			return err
		}
	}
	t.listen(p)
	for _, l := range []*line{p.from, p.to} {
		if err := l.send(wire.Encode(wire.Resume{Ref: "resume"})); err != nil {
			return err
		}
		select {
		case <-p.current:
		case <-ctx.Done():
			return fmt.Errorf("pair %d hasn't caught up: %w", i, ctx.Err())
		}
	}
	p.conversation = messaging.DirectID(from.User, to.User)
	p.frame = func(id string) []byte {
		return wire.Encode(wire.Send{Ref: id, Conversation: p.conversation, ID: messaging.MessageID(id), Kind: messaging.Created, Users: []messaging.UserID{to.User}})
	}
	if err := t.call(ctx, i, 0); err != nil {
		return fmt.Errorf("pair %d can't begin: %w", i, err)
	}
	p.frame = func(id string) []byte {
		return wire.Encode(wire.Send{Ref: id, Conversation: p.conversation, ID: messaging.MessageID(id), Kind: messaging.Posted, Body: messaging.Body{Shared: text}})
	}
	return nil
}
