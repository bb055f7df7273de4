package demo

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/wire"
)

// A talk is a conversation and what is said in it. Its bodies are sealed with a key
// that the devices share and the server hasn't. How devices come by keys without
// anybody between them is the client's to show, which is a module of its own.
type talk struct {
	id    messaging.ConversationID
	who   []int // of the cast's devices
	lines []string
	key   cipher.AEAD
}

func newTalk(id messaging.ConversationID, who []int, lines []string) (*talk, error) {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails, see crypto/rand
	block, err := aes.NewCipher(secret[:])
	if err != nil {
		return nil, err
	}
	key, err := cipher.NewGCMWithRandomNonce(block)
	return &talk{id: id, who: who, lines: lines, key: key}, err
}

// seal encrypts what is written; the message's id goes with it, so that a body
// can't be taken for another message's.
func (t *talk) seal(id messaging.MessageID, text string) messaging.Body {
	return messaging.Body{Shared: t.key.Seal(nil, nil, []byte(text), []byte(id))}
}

func (t *talk) open(m messaging.Message) (string, error) {
	text, err := t.key.Open(nil, nil, m.Body.Shared, []byte(m.ID))
	return string(text), err
}

// What they say, again and again.
var (
	ofTwo = []string{
		"Are you coming on Saturday?", "If the rain stops. Who else?", "Cleo, and her dog.", "Then I'll bring the boat.",
		"It leaks.", "It leaks a little.", "Last time we sat in the water.", "Last time you stood up.",
	}
	ofThree = []string{
		"Saturday, ten o'clock, at the lock.", "Ten is early.", "Eleven, then, and you bring the tin of pineapple.",
		"Has anybody an opener?", "No.", "No.", "We'll manage with the mast.", "That's how it began the last time.",
	}
)

// plan makes both conversations up, before any device is there to show them.
func (j *journey) plan() error {
	ana, bo := j.cast.accounts[0].Device.User, j.cast.accounts[2].Device.User
	two, err := newTalk(messaging.DirectID(ana, bo), []int{0, 1, 2}, ofTwo)
	if err != nil {
		return err
	}
	three, err := newTalk(messaging.NewConversationID(messaging.Group), []int{0, 1, 2, 3}, ofThree)
	j.talks = []*talk{two, three}
	return err
}

// begin begins both conversations.
func (j *journey) begin(ctx context.Context) (string, error) {
	bo, cleo := j.cast.accounts[2].Device.User, j.cast.accounts[3].Device.User
	for _, m := range []wire.Send{
		{Conversation: j.talks[0].id, Kind: messaging.Created, Users: []messaging.UserID{bo}},
		{Conversation: j.talks[1].id, Kind: messaging.Created, Users: []messaging.UserID{bo, cleo}, Title: "Three in a boat"},
	} {
		if err := j.send(ctx, 0, m, ""); err != nil {
			return "", err
		}
	}
	return "Ana and Bo on three devices; Ana, Bo and Cleo on four", nil
}

// pause is how long a device waits between two messages of a conversation: what all
// of them say has to be acknowledged by each, and a device may send 50 frames a second.
const pause = 250 * time.Millisecond

// say lets all talk at once, until finish, and waits until they have begun.
func (j *journey) say(ctx context.Context) (string, error) {
	talking, stop := context.WithCancel(ctx)
	j.pages.stop = stop
	for _, t := range j.talks {
		for nth, i := range t.who {
			j.cast.gone.Add(1)
			j.pages.talking.Go(func() {
				defer j.cast.gone.Done()
				j.pages.fail(j.speak(ctx, talking, t, i, nth))
			})
		}
	}
	if err := j.goOn(ctx); err != nil {
		return "", err
	}
	return count(j.pages.sent(), "message") + " sent", nil
}

// speak sends one line after the other, each when the one before is sent. The last
// one is waited for also when nothing more is to be said.
func (j *journey) speak(ctx, talking context.Context, t *talk, i, nth int) error {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-ticker.C:
		case <-talking.Done():
			return nil
		}
		text := fmt.Sprintf("%s (%d.%d)", t.lines[(n*len(t.who)+nth)%len(t.lines)], i+1, n+1)
		if err := j.send(ctx, i, wire.Send{Conversation: t.id, Kind: messaging.Posted}, text); err != nil {
			return fmt.Errorf("%s says %q: %w", j.cast.accounts[i].Name, text, err)
		}
	}
}

// send has a device send a message, and writes down what was sent.
func (j *journey) send(ctx context.Context, i int, m wire.Send, text string) error {
	m.ID = messaging.MessageID(rand.Text())
	if m.Kind == messaging.Posted {
		m.Body = j.talk(m.Conversation).seal(m.ID, text)
	}
	j.pages.write(m.ID, text)
	ctx, cancel := context.WithTimeout(ctx, j.cfg.Patience)
	defer cancel()
	sent, err := j.cast.devices[i].Send(ctx, m)
	if err != nil {
		return err
	}
	j.book.Sent(m.Conversation, m.ID, sent.Seq)
	j.pages.count(m.Conversation)
	return nil
}

func (j *journey) talk(id messaging.ConversationID) *talk {
	for _, t := range j.talks {
		if t.id == id {
			return t
		}
	}
	return nil
}

// goOn waits until as many more messages are sent as there are to be between two faults.
func (j *journey) goOn(ctx context.Context) error {
	enough := j.pages.sent() + j.cfg.Between
	return until(ctx, j.cfg.Patience, func() error {
		if n := j.pages.sent(); n < enough {
			return errors.Join(fmt.Errorf("%d of %d messages are sent", n, enough), j.pages.failed())
		}
		return j.pages.failed()
	})
}
