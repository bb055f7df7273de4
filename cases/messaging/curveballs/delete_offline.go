package curveballs

import (
	"context"
	"fmt"
	"sync"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/crowd"
	"designkits/cases/messaging/wire"
	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// DeleteOffline is a message that is deleted for everybody while a device is away.
var DeleteOffline = curveball.Experiment{
	Name:       "delete-offline",
	Question:   "Somebody deletes 20 messages for everybody. One of the other's devices is off. What does it get to read when it is on again?",
	Hypothesis: "Nothing of them: it sees that there was something, at its place, and that it was deleted.",
	Answer: `A delete is a message of a kind that the server knows ([Deleted](message.go)), since it must do something: take the bodies
out of the history and out of every inbox in which they still wait ([Forget](adapters/cassandra/inbox.go)). The rows stay, without what was
said, so that no number is missing. The order of a delete and of a late write of the message doesn't matter: the
message is written with timestamp 1 and forgotten with 2. What a device has shown already it has; the app
takes it off the screen when it learns of the delete, and nobody can make it. A delete that is only one more
encrypted message reaches the device behind what it deletes: it gets all of it first.`,
	Expect: curveball.Bands{
		curveball.AtMost("deleted messages that the device gets to read, of 20", "", 0),
		curveball.AtMost("deleted messages that the history keeps", "", 0),
		curveball.AtLeast("other messages that it gets to read, of 20", "", 20),
	},
	Control: curveball.With("a delete that only the apps understand", "delete", "posted"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := start(ctx, t, rig.Options{})
		if err != nil {
			return err
		}
		ana, phone, err := s.one(ctx)
		if err != nil {
			return err
		}
		people, err := s.People(ctx, 1, 2)
		if err != nil {
			return err
		}
		tablet, laptop := people[0][0], people[0][1]
		if _, err := s.Connect(ctx, s.Gateways, nil, tablet); err != nil {
			return err
		}
		c := messaging.DirectID(ana.User, tablet.User)
		if err := s.begin(ctx, phone, c, "", tablet.User); err != nil {
			return err
		}
		const each = 20
		deleted := map[messaging.Seq]bool{}
		for n := range 2 * each {
			seq, err := s.say(ctx, phone, text(c, fmt.Sprint("number ", n)))
			if err != nil {
				return err
			}
			if n%2 == 0 {
				deleted[seq] = true
			}
		}
		if err := s.shows(ctx, tablet, c, 1+2*each, time.Minute); err != nil {
			return err
		}
		t.Phase("every second message is deleted for everybody; the laptop is off")
		for seq := range deleted {
			m := text(c, fmt.Sprint("forget number ", seq))
			if t.Option("delete", "deleted") == "deleted" {
				m.Kind, m.Target, m.Body = messaging.Deleted, seq, messaging.Body{}
			}
			if _, err := s.say(ctx, phone, m); err != nil {
				return err
			}
		}
		if err := s.shows(ctx, tablet, c, 1+3*each, time.Minute); err != nil {
			return err
		}
		var mu sync.Mutex
		read := map[messaging.Seq]bool{} // by the laptop, words and all
		_, err = s.Connect(ctx, s.Gateways, func(_ messaging.Address, m messaging.Message) {
			mu.Lock()
			defer mu.Unlock()
			read[m.Seq] = m.Kind == messaging.Posted && m.Body.Size() > 0
		}, laptop)
		if err != nil {
			return err
		}
		if err := crowd.Await(ctx, time.Minute, "messages on the laptop", 1+3*each, func() int { return s.Book.Count(laptop, c) }); err != nil {
			return err
		}
		page, err := s.DB.History().Range(ctx, c, 1, 1+2*each, wire.MaxPage)
		if err != nil {
			return err
		}
		kept := 0
		for _, m := range page {
			if deleted[m.Seq] && m.Body.Size() > 0 {
				kept++
			}
		}
		got, others := 0, 0
		mu.Lock()
		defer mu.Unlock()
		for seq := messaging.Seq(2); seq < 2+2*each; seq++ {
			switch {
			case read[seq] && deleted[seq]:
				got++
			case read[seq]:
				others++
			}
		}
		t.Figure("deleted messages that the device gets to read, of 20", float64(got))
		t.Figure("deleted messages that the history keeps", float64(kept))
		t.Figure("other messages that it gets to read, of 20", float64(others))
		return nil
	},
}
