package curveballs

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/audit"
	"designkits/shared/curveball"
)

// WrongClock is a phone, and then a server, whose clock is wrong.
var WrongClock = curveball.Experiment{
	Name:       "wrong-clock",
	Question:   "A phone's clock is ten minutes fast, and of the servers that own the conversation one after the other one is an hour ahead. Which answers stand above their questions?",
	Hypothesis: "None, and no time on the screen goes back: the order is a number, and a clock decides nothing.",
	Answer: `The order is the number that the owner gives ([place](order/tail.go)); a time is only shown beside it. The phone's
clock isn't asked at all: what it says could only be wrong, or a lie. The owner's clock gives a message its
time, and never one before that of the message before: after an owner whose clock was ahead the times stand still
until the others have caught up, which looks odd and misleads nobody. A screen that is sorted by what the phones say
puts each of the fast phone's questions below its answer, for ten minutes.`,
	Expect: curveball.Bands{
		curveball.AtMost("answers above their questions, of 40", "", 0),
		curveball.AtMost("times that go back from one line to the next", "", 0),
	},
	Control: curveball.With("a screen sorted by the phones' clocks", "order", "phone"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := openStores(ctx, t)
		if err != nil {
			return err
		}
		ana, bo := messaging.Address{User: messaging.NewUserID(), Device: 1}, messaging.Address{User: messaging.NewUserID(), Device: 1}
		c := messaging.DirectID(ana.User, bo.User)
		phones := map[messaging.Address]time.Duration{ana: 10 * time.Minute, bo: 0}
		created := messaging.Draft{Conversation: c, ID: messaging.MessageID(rand.Text()), Sender: ana, Kind: messaging.Created, Users: []messaging.UserID{bo.User}}
		begun := false
		for _, ahead := range []time.Duration{0, time.Hour, 0, -24 * time.Hour} {
			owner, err := s.own(ctx, t, c.Partition(), func() time.Time { return time.Now().Add(ahead) })
			if err != nil {
				return err
			}
			t.Note("the conversation's owner is one whose clock is %v ahead", ahead)
			if !begun {
				if _, err := accept(ctx, owner, created); err != nil {
					return err
				}
				begun = true
			}
			for range 10 { // each question is sent, and then its answer
				for _, by := range []messaging.Address{ana, bo} {
					says, err := time.Now().Add(phones[by]).MarshalText()
					if err != nil {
						return err
					}
					_, err = accept(ctx, owner, messaging.Draft{
						Conversation: c, ID: messaging.MessageID(rand.Text()), Sender: by, Kind: messaging.Posted, Body: messaging.Body{Shared: says},
					})
					if err != nil {
						return err
					}
				}
			}
		}
		if _, err := s.own(ctx, t, c.Partition(), time.Now); err != nil { // what is left is applied
			return err
		}
		screen, err := audit.Read(ctx, s.db.History(), c)
		if err != nil {
			return err
		}
		above, back, err := misplaced(screen[1:], t.Option("order", "number") == "phone")
		t.Figure("answers above their questions, of 40", float64(above))
		t.Figure("times that go back from one line to the next", float64(back))
		return err
	},
}

// misplaced counts, on a screen of questions and answers, the answers above their
// questions and the times that go back.
func misplaced(screen []messaging.Message, byPhone bool) (above, back int, err error) {
	shown := make(map[messaging.Seq]time.Time, len(screen)) // the time beside each
	for _, m := range screen {
		shown[m.Seq] = m.At
		if byPhone {
			var at time.Time
			if err := at.UnmarshalText(m.Body.Shared); err != nil {
				return 0, 0, err
			}
			shown[m.Seq] = at
		}
	}
	lines := slices.Clone(screen)
	if byPhone {
		slices.SortStableFunc(lines, func(a, b messaging.Message) int { return shown[a.Seq].Compare(shown[b.Seq]) })
	}
	place := map[messaging.Seq]int{}
	for i, m := range lines {
		place[m.Seq] = i
		if i > 0 && shown[m.Seq].Before(shown[lines[i-1].Seq]) {
			back++
		}
	}
	for i := 0; i+1 < len(screen); i += 2 {
		if place[screen[i+1].Seq] < place[screen[i].Seq] {
			above++
		}
	}
	return above, back, nil
}
