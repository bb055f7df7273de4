package demo

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"designkits/cases/messaging"
	"designkits/cases/messaging/audit"
)

// pages are what was written, beside the audit's book, and who still writes.
type pages struct {
	talking sync.WaitGroup
	stop    context.CancelFunc

	mu      sync.Mutex
	texts   map[messaging.MessageID]string
	counts  map[messaging.ConversationID]int // that are sent
	garbled int                              // shown, and not what was written
	err     error                            // of who couldn't go on
}

func (p *pages) write(id messaging.MessageID, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.texts == nil {
		p.texts, p.counts = map[messaging.MessageID]string{}, map[messaging.ConversationID]int{}
	}
	p.texts[id] = text
}

func (p *pages) count(c messaging.ConversationID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts[c]++
}

// sent is how many messages are, in all conversations.
func (p *pages) sent() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, of := range p.counts {
		n += of
	}
	return n
}

func (p *pages) of(c messaging.ConversationID) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts[c]
}

func (p *pages) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = errors.Join(p.err, err)
}

func (p *pages) failed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// is reports whether a message is what was written; what begins a conversation has
// no body.
func (p *pages) is(t *talk, m messaging.Message) bool {
	if m.Kind != messaging.Posted {
		return true
	}
	p.mu.Lock()
	want, known := p.texts[m.ID]
	p.mu.Unlock()
	got, err := t.open(m)
	return known && err == nil && got == want
}

// show is a device's screen.
func (j *journey) show(a messaging.Address) func(messaging.Message) error {
	return func(m messaging.Message) error {
		j.book.Shown(a, m)
		if t := j.talk(m.Conversation); t == nil || !j.pages.is(t, m) {
			j.pages.mu.Lock()
			j.pages.garbled++
			j.pages.mu.Unlock()
		}
		return nil
	}
}

// finish lets everybody end the sentence.
func (j *journey) finish(context.Context) (string, error) {
	j.pages.stop()
	j.pages.talking.Wait()
	return count(j.pages.sent(), "message") + " sent", j.pages.failed()
}

// screens calls for each conversation with the addresses of its devices.
func (j *journey) screens(each func(t *talk, devices []messaging.Address) error) error {
	for _, t := range j.talks {
		var devices []messaging.Address
		for _, i := range t.who {
			devices = append(devices, j.cast.accounts[i].Device)
		}
		if err := each(t, devices); err != nil {
			return err
		}
	}
	return nil
}

// shown waits until each screen has as many messages as were sent.
func (j *journey) shown(ctx context.Context) (string, error) {
	screens, total := 0, 0
	err := j.screens(func(t *talk, devices []messaging.Address) error {
		want := j.pages.of(t.id)
		for _, a := range devices {
			screens, total = screens+1, total+want
			err := until(ctx, j.cfg.Patience, func() error {
				if n := j.book.Count(a, t.id); n < want {
					return fmt.Errorf("%s shows %d of %d messages", a, n, want)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return fmt.Sprintf("%d messages on %d screens", total, screens), err
}

// check compares what was sent and what is shown with the history in Cassandra.
func (j *journey) check(ctx context.Context) (string, error) {
	var all audit.Verdict
	err := j.screens(func(t *talk, devices []messaging.Address) error {
		history, err := audit.Read(ctx, j.db.History(), t.id)
		if err != nil {
			return err
		}
		v := j.book.Check(t.id, history, devices...)
		if want := j.pages.of(t.id); len(history) != want && v.OK() {
			return fmt.Errorf("the history of %s has %d messages, and %d were sent", t.id, len(history), want)
		}
		all.Add(v)
		return nil
	})
	if err == nil && !all.OK() {
		err = errors.New(all.String())
	}
	return all.String(), err
}

// read opens what stands in the history, which has to be what was written, as what
// was shown had to be.
func (j *journey) read(ctx context.Context) (string, error) {
	opened, bytes := 0, 0
	err := j.screens(func(t *talk, _ []messaging.Address) error {
		history, err := audit.Read(ctx, j.db.History(), t.id)
		for _, m := range history {
			if !j.pages.is(t, m) {
				return fmt.Errorf("number %d of %s isn't what was written", m.Seq, t.id)
			}
			opened, bytes = opened+1, bytes+m.Body.Size()
		}
		return err
	})
	j.pages.mu.Lock()
	defer j.pages.mu.Unlock()
	if err == nil && j.pages.garbled > 0 {
		err = fmt.Errorf("%d messages on the screens are not what was written", j.pages.garbled)
	}
	return fmt.Sprintf("%d bodies of the history opened, %d bytes; the server has no key", opened, bytes), err
}
