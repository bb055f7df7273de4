package device_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/device"
	"designkits/cases/messaging/wire"
)

var tooOften = wire.Error{Kind: "too-often", Again: true}

// sends takes the ids of the messages that were sent since.
func (l *line) sends() (ids []messaging.MessageID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.up {
		if send, ok := f.(*wire.Send); ok {
			ids = append(ids, send.ID)
		}
	}
	l.up = nil
	return ids
}

func TestMessagesThatCameTooSoonAreSentAgainSlowlyAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		d, end := begin(t, l, device.Config{Shown: func(messaging.Message) error { return nil }})
		var all []messaging.MessageID
		var sending sync.WaitGroup
		send := func() {
			m := wire.Send{Conversation: walks, ID: messaging.MessageID(fmt.Sprintf("message-%08d", len(all))), Kind: messaging.Posted}
			all = append(all, m.ID)
			sending.Go(func() {
				if _, err := d.Send(t.Context(), m); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		for range 20 {
			send()
		}
		if got := l.sends(); !slices.Equal(got, all) {
			t.Fatalf("sent %v", got)
		}
		for _, id := range all {
			refusal := tooOften
			refusal.Ref = string(id)
			l.say(refusal)
		}
		synctest.Wait() // until the device has read that all of them were refused
		send()          // so this one is behind those that wait
		var again []messaging.MessageID
		for range 4 {
			if got := l.sends(); len(got) > 8 {
				t.Errorf("%d are sent again at once", len(got))
			} else {
				again = append(again, got...)
			}
			<-time.After(201 * time.Millisecond) // of the bubble's clock
		}
		if again = append(again, l.sends()...); !slices.Equal(again, all) {
			t.Errorf("sent again are %v, want %v", again, all)
		}
		for i, id := range all {
			l.say(wire.Sent{Ref: string(id), Conversation: walks, ID: id, Seq: messaging.Seq(i + 1)})
		}
		sending.Wait()
		_ = end() // its error is of other tests
	})
}

func TestAcknowledgementsThatCameTooSoonAreSaidAgainSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		end := run(t, l, device.Config{Shown: func(messaging.Message) error { return nil }})
		const conversations = 100
		for i := range conversations {
			m := message(1)
			m.Conversation = messaging.ConversationID(fmt.Sprintf("g%016x", i))
			l.say(m)
		}
		collect := func() {
			t.Helper()
			said := map[messaging.ConversationID]int{}
			for range 4 {
				acks := l.acks()
				if len(acks) > 50 {
					t.Errorf("%d within a second", len(acks))
				}
				for _, ack := range acks {
					said[ack.Conversation]++
				}
				<-time.After(time.Second)
			}
			for c, n := range said {
				if n != 1 {
					t.Errorf("%s is acknowledged %d times", c, n)
				}
			}
			if len(said) != conversations {
				t.Errorf("%d are acknowledged, want %d", len(said), conversations)
			}
		}
		collect()
		for range 10 {
			l.say(tooOften) // without a ref: one of them
		}
		collect()
		_ = end()
	})
}

// What a gateway drops of a device that lags may be the answers as well: what isn't
// answered is said again.
func TestWhatIsNotAnsweredIsSaidAgainWhenTheDeviceLags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		d, end := begin(t, l, device.Config{Shown: func(messaging.Message) error { return nil }})
		var sending sync.WaitGroup
		sending.Go(func() {
			if _, err := d.Send(t.Context(), wire.Send{Conversation: walks, ID: "0123456789abcdef", Kind: messaging.Posted}); err != nil {
				t.Error(err)
			}
		})
		l.say(message(3)) // so that two are asked for
		synctest.Wait()
		for _, when := range []string{"at first", "when it lags"} {
			said := map[string]int{}
			l.mu.Lock()
			for _, f := range l.up {
				said[fmt.Sprintf("%T", f)]++
			}
			l.up = nil
			l.mu.Unlock()
			if said["*wire.Resume"] != 1 || said["*wire.Send"] != 1 || said["*wire.History"] != 1 {
				t.Errorf("%s it says %v, want one Resume, Send and History", when, said)
			}
			l.say(wire.Lagging{})
			synctest.Wait()
		}
		l.say(wire.Sent{Ref: "0123456789abcdef", Conversation: walks, ID: "0123456789abcdef", Seq: 4})
		sending.Wait()
		_ = end()
	})
}
