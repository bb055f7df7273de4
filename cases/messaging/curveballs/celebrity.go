package curveballs

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/device"
	"designkits/cases/messaging/crowd"
	"designkits/cases/messaging/wire"
	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// Celebrity is a group of 10,000 in which somebody famous writes.
var Celebrity = curveball.Experiment{
	Name:       "celebrity",
	Question:   "Somebody famous writes to a group of 10,000, of whom 2,500 are connected; first now and then, and then 40 messages at once. How long until the last of them has it, and how long do two people wait who talk in a conversation of the same owner?",
	Hypothesis: "A message to a large group is one row, and nobody's inbox gets it; the last of those who are connected shows it within 10 s, and the two don't notice.",
	Answer: `What is written once for each reader costs the writer as much as there are readers, and everybody else
in the same partition waits behind it, since an owner applies in order. So above a number of members the message is written once, to
the history, and devices that are connected are only told that it is there ([Apply](fanout/fanout.go)); whoever looks reads it. The number is WRITE_UP_TO, 256,
which a run of the bench fan-out has found. What it costs instead is the reading: all who are connected ask for the same page at once, which is
hot-partition. That is what the times are: from send until a device shows it, over 2,500 devices and five messages, each sent when all had the one before.
One member in four is connected, as in the sheet. The others are told nothing until they come back; most of them have no device here. With all 10,000 connected
it would be four times the work for the gateways. Two gateways, the stores and the devices themselves share one machine, so the last waits for its turn on two
cores; in a fleet of the sheet's size 2,500 devices are 25 at each of 100 gateways. Written to inboxes
they have it not much later here; what that costs are the rows, and whoever stands behind them.`,
	Expect: curveball.Bands{
		curveball.AtMost("items in inboxes for a message", "", 0),
		curveball.AtMost("until half of 2,500 devices show a message", "s", 10),
		curveball.AtMost("until 99 of 100 do", "s", 10),
		curveball.AtMost("until the last does", "s", 10),
		curveball.AtMost("messages of two others that weren't shown in 20 s, of 21", "", 0),
	},
	Control: curveball.With("an inbox item for each device, however many", "WRITE_UP_TO", "100000"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := start(ctx, t, rig.Options{})
		if err != nil {
			return err
		}
		two, err := s.two(ctx)
		if err != nil {
			return err
		}
		_, famous, err := s.one(ctx)
		if err != nil {
			return err
		}
		group := messaging.NewConversationID(messaging.Group)
		for group.Partition() != two.conversation.Partition() {
			group = messaging.NewConversationID(messaging.Group)
		}
		all, err := s.gather(ctx, famous, group, 10_000, 2510)
		if err != nil {
			return err
		}
		fans, away := all[:2500], all[2500:]
		there := &screens{}
		if _, err := s.Connect(ctx, s.Gateways, there.shown, fans...); err != nil {
			return err
		}
		// With the first they fetch what came before it: the group's beginning.
		if _, err := s.post(ctx, famous, there, len(fans), text(group, "hello, all of you")); err != nil {
			return err
		}
		t.Phase("she writes now and then")
		const posts, burst = 5, 40
		var took []time.Duration
		for n := range posts {
			each, err := s.post(ctx, famous, there, len(fans), text(group, fmt.Sprint("good morning, number ", n)))
			if err != nil {
				return err
			}
			took = append(took, each...)
		}
		slices.Sort(took)
		t.Figure("until half of 2,500 devices show a message", took[len(took)/2].Seconds())
		t.Figure("until 99 of 100 do", took[len(took)*99/100].Seconds())
		t.Figure("until the last does", took[len(took)-1].Seconds())
		t.Phase("she writes 40 messages at once")
		writing, with := errgroup.WithContext(ctx)
		writing.Go(func() error {
			for n := range burst {
				if _, err := s.say(with, famous, text(group, fmt.Sprint("my dears, number ", n))); err != nil {
					return err
				}
			}
			return nil
		})
		late := 0
		shown := func(n int) error {
			err := s.shows(ctx, two.to, two.conversation, n, patience)
			if s.Book.Count(two.to, two.conversation) < n {
				late++
			}
			return err
		}
		for n := range 20 {
			if _, err := s.say(ctx, two.writer, text(two.conversation, "and you?")); err != nil {
				return err
			}
			if err := shown(n + 2); err != nil {
				return err
			}
		}
		if err := writing.Wait(); err != nil {
			return err
		}
		// What one of them says behind it comes when all of it is applied.
		if _, err := s.say(ctx, two.writer, text(two.conversation, "good night")); err != nil {
			return err
		}
		if err := shown(22); err != nil {
			return err
		}
		// What those who are connected have acknowledged is gone from their inboxes.
		items := 0
		for _, fan := range away {
			found, _, err := s.DB.Inbox().Page(ctx, fan, "", 1000)
			if err != nil {
				return err
			}
			for _, m := range found {
				if m.Kind == messaging.Posted {
					items++
				}
			}
		}
		t.Figure("items in inboxes for a message", float64(items*len(all)/len(away)/(1+posts+burst)))
		t.Figure("messages of two others that weren't shown in 20 s, of 21", float64(late))
		return nil
	},
}

// Screens wait for one message at a time.
type screens struct {
	mu   sync.Mutex
	next messaging.MessageID
	at   []time.Time // when each showed it
}

func (s *screens) shown(_ messaging.Address, m messaging.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.ID == s.next {
		s.at = append(s.at, time.Now())
	}
}

func (s *screens) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.at)
}

// post sends a message and returns how long it took until each of so many screens
// showed it.
func (s *site) post(ctx context.Context, by *device.Device, there *screens, all int, m wire.Send) ([]time.Duration, error) {
	there.mu.Lock()
	there.next, there.at = m.ID, nil
	there.mu.Unlock()
	began := time.Now()
	if _, err := s.say(ctx, by, m); err != nil {
		return nil, err
	}
	if err := crowd.Await(ctx, 2*time.Minute, "devices show the message", all, there.count); err != nil {
		return nil, err
	}
	there.mu.Lock()
	defer there.mu.Unlock()
	took := make([]time.Duration, len(there.at))
	for i, at := range there.at {
		took[i] = at.Sub(began)
	}
	return took, nil
}

// patience is how long the two wait for a message before they hang up.
const patience = 20 * time.Second
