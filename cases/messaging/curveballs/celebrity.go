package curveballs

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// Celebrity is a group of 10,000 in which somebody famous writes.
var Celebrity = curveball.Experiment{
	Name:       "celebrity",
	Question:   "Somebody famous writes 40 messages to a group of 10,000. Two people talk in a conversation that has the same owner. How long do they wait?",
	Hypothesis: "They don't notice: a message to a large group is one row, and nobody's inbox gets it.",
	Answer: `What is written once for each reader costs the writer as much as there are readers, and everybody else
in the same partition waits behind it, since an owner applies in order. So above a number of members the message is written once, to
the history, and devices that are connected are only told that it is there ([Apply](fanout/fanout.go)); whoever looks reads it. The number is WRITE_UP_TO,
which the bench fan-out has found. What it costs instead is the reading: 10,000 who look at the same page at once, which is
hot-partition. (Of the 10,000 here 1,000 have a device: with all of them the naive variant would only be slower.)`,
	Expect: curveball.Bands{
		curveball.AtMost("items in inboxes for a message", "", 0),
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
		fans, err := s.gather(ctx, famous, group, 10_000, 1000)
		if err != nil {
			return err
		}
		t.Phase("she writes")
		const posts = 40
		writing, with := errgroup.WithContext(ctx)
		writing.Go(func() error {
			for n := range posts {
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
		sample, items := fans[:10], 0
		for _, fan := range sample {
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
		t.Figure("items in inboxes for a message", float64(items*len(fans)/len(sample)/posts))
		t.Figure("messages of two others that weren't shown in 20 s, of 21", float64(late))
		return nil
	},
}

// patience is how long the two wait for a message before they hang up.
const patience = 20 * time.Second
