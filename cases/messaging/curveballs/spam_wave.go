package curveballs

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/device"
	"designkits/cases/messaging/crowd"
	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// SpamWave is some accounts that write to everybody they can.
var SpamWave = curveball.Experiment{
	Name:       "spam-wave",
	Question:   "Five accounts write to strangers as fast as they can, 80 each. What they say is encrypted. How many do they reach, and who else notices?",
	Hypothesis: "A hundred at most, 20 each; two who talk meanwhile don't notice.",
	Answer: `Nobody can look for bad words in what can't be read. What can be counted is how many conversations somebody begins, which is
how spam differs from talk: so many an hour ([room](session/frames.go)), counted in Redis for a person, not for a
connection, so that more devices and more gateways don't help. (A hundred an hour is the default; it is 20 here.) More accounts do help,
so those are counted for an address. Frames a second are bounded for a connection, and a gateway does one thing at a
time for each device, so the others don't wait. A group goes around the limit here: it counts once, and each of its
messages brings in up to a thousand people who weren't asked. Real messengers let only contacts do that, or ask. What a server of ciphertext can't do is
judge a message: that is left to the one who gets it, who elsewhere can block the sender, and report with the words that only they have.`,
	Expect: curveball.Bands{
		curveball.AtMost("strangers reached, of 400", "", 100),
		curveball.AtMost("slowest message of two others", "ms", 5000),
	},
	Control: curveball.Without("a limit of conversations begun", "CONVERSATIONS_AN_HOUR", "1000000"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := start(ctx, t, rig.Options{Env: map[string]string{"CONVERSATIONS_AN_HOUR": "20"}})
		if err != nil {
			return err
		}
		two, err := s.two(ctx)
		if err != nil {
			return err
		}
		people, err := s.People(ctx, 5, 1)
		if err != nil {
			return err
		}
		var reached atomic.Int64
		spam, spamming := errgroup.WithContext(ctx)
		for _, spammer := range people {
			devices, err := s.Connect(ctx, s.Gateways, nil, spammer[0])
			if err != nil {
				return err
			}
			spam.Go(func() error {
				for range 80 {
					stranger := messaging.NewUserID()
					err := s.begin(spamming, devices[spammer[0]], messaging.DirectID(spammer[0].User, stranger), "", stranger)
					if refused, ok := errors.AsType[*device.Refusal](err); ok && refused.Frame.Kind == "too-many" {
						continue
					}
					if err != nil {
						return err
					}
					reached.Add(1)
				}
				return nil
			})
		}
		slowest, talked := time.Duration(0), 0
		done := make(chan error, 1)
		go func() { done <- spam.Wait() }() // its end is waited for below
		for ended := false; !ended; talked++ {
			began := time.Now()
			if _, err = s.say(ctx, two.writer, text(two.conversation, "do you notice anything?")); err != nil {
				break
			}
			if err = crowd.Await(ctx, 30*time.Second, "messages shown", talked+2, func() int { return s.Book.Count(two.to, two.conversation) }); err != nil {
				break
			}
			slowest = max(slowest, time.Since(began))
			select {
			case err := <-done:
				done <- err
				ended = true
			default:
			}
		}
		if err = errors.Join(err, <-done); err != nil {
			return err
		}
		t.Note("two others said %d messages meanwhile", talked)
		t.Figure("strangers reached, of 400", float64(reached.Load()))
		t.Figure("slowest message of two others", float64(slowest.Milliseconds()))
		return nil
	},
}
