package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/wire"
)

// A pair is somebody who sends and somebody who gets it.
type pair struct {
	from, to     *line
	conversation messaging.ConversationID
	frame        func(id string) []byte // of a message

	arrived chan string   // ids of messages
	refused chan error    // of messages
	current chan struct{} // somebody has caught up
	shown   atomic.Int64  // the number of the last that has arrived
}

// A talk is all pairs at one server.
type talk struct {
	pairs   []*pair
	reading sync.WaitGroup
}

func newTalk() *talk {
	t := &talk{}
	for range pairs {
		t.pairs = append(t.pairs, &pair{arrived: make(chan string, 64), refused: make(chan error, 64), current: make(chan struct{}, 2)})
	}
	return t
}

// call has the worker's pair send a message and waits until it is there.
func (t *talk) call(ctx context.Context, worker, _ int) error {
	p := t.pairs[worker]
	id := rand.Text()
	if err := p.from.send(p.frame(id)); err != nil {
		return err
	}
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	for {
		select {
		case got := <-p.arrived:
			if got == id { // else one that was waited for too long
				return nil
			}
		case err := <-p.refused:
			return err
		case <-limit.C:
			return errors.New("a message didn't come within 20 s")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// listen reads what comes to a pair.
func (t *talk) listen(p *pair) {
	t.reading.Go(func() { p.from.read(p.heardBySender) })
	t.reading.Go(func() { p.to.read(p.heard) })
}

func (p *pair) heardBySender(frame []byte) {
	switch {
	case is(frame, "current"):
		p.current <- struct{}{}
	case is(frame, "error"):
		p.refused <- errors.New(member(frame, "kind") + ": " + member(frame, "detail"))
	}
}

func (p *pair) heard(frame []byte) {
	switch {
	case is(frame, "message"):
		p.shown.Store(number(frame, "seq"))
		p.arrived <- member(frame, "id")
	case is(frame, "current"):
		p.current <- struct{}{}
	}
}

// ackEvery is how long a device waits for more to acknowledge.
const ackEvery = 50 * time.Millisecond

// acknowledge says for each pair what has arrived, as devices do, until the context ends.
func (t *talk) acknowledge(ctx context.Context) {
	said := make([]int64, len(t.pairs))
	ticker := time.NewTicker(ackEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		for i, p := range t.pairs {
			if now := p.shown.Load(); now > said[i] && p.to.send(wire.Encode(wire.Ack{Conversation: p.conversation, Seq: messaging.Seq(now)})) == nil {
				said[i] = now
			}
		}
	}
}

// number is the value of a member with a number in it, 0 where it has none.
func number(frame []byte, name string) int64 {
	_, rest, _ := bytes.Cut(frame, []byte(`"`+name+`":`))
	digits, _, _ := bytes.Cut(rest, []byte(","))
	n, _ := strconv.ParseInt(string(bytes.TrimRight(digits, "}")), 10, 64)
	return n
}

func (t *talk) close() {
	for _, p := range t.pairs {
		for _, l := range []*line{p.from, p.to} {
			if l != nil {
				l.close()
			}
		}
	}
	t.reading.Wait()
}
