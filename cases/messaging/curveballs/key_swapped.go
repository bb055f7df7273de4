package curveballs

import (
	"context"
	"strings"
	"time"

	"designkits/cases/messaging"
	"designkits/shared/curveball"
)

// KeySwapped is a server that gives out keys of its own in place of somebody's.
var KeySwapped = curveball.Experiment{
	Name:       "key-swapped",
	Question:   "Somebody has broken into the key server and gives out Mallory's keys as Bo's. Whose messages to Bo can they read, and who is warned?",
	Hypothesis: "Nobody's who has met Bo before: their apps hold on to the key that they know. Who meets him now is deceived until the two compare their numbers, which differ.",
	Answer: `End-to-end encryption moves the trust from those who carry messages to those who say which key is whose. A client remembers the identity key of each device
it has met and never takes another in its place by itself: a person has to accept it (client/e2e, KeyChanged), and until then nothing is encrypted for it.
So a swap comes too late for everybody who has met. Against the swap at the first meeting there is only a way past the server: the two compare the number made of
both sides' keys ([SafetyNumber](client/e2e/safety.go)), in person or by voice. What doesn't stand here is a log of all keys that anybody can check, as others publish (key transparency), which finds the swap
without the two doing anything. (Mallory's bundle is written under Bo's name into Cassandra, as who has the server could.)`,
	Expect: curveball.Bands{
		curveball.AtLeast("messages that Bo can read after the swap, of 3", "", 3),
		curveball.AtLeast("strangers whose number differs from Bo's, of 1", "", 1),
	},
	Control: curveball.With("a client that has not met Bo before", "met", "no"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		term, err := openTerminal(ctx, t)
		if err != nil {
			return err
		}
		if err := term.all(ctx, "ana: signup", "bo: signup", "cy: signup", "mallory: signup"); err != nil {
			return err
		}
		if t.Option("met", "yes") == "yes" {
			if err := term.all(ctx, "ana: send bo hello"); err != nil {
				return err
			}
			if _, err := term.reads(ctx, "bo", "hello", 30*time.Second); err != nil {
				return err
			}
		}
		bundle, err := term.bundle(ctx, "mallory")
		if err != nil {
			return err
		}
		bo, err := term.DB.Accounts().Find(ctx, "bo")
		if err != nil {
			return err
		}
		bundle.Device = messaging.Address{User: bo, Device: 1}
		for left := true; left; { // his own one-time prekeys are used up first
			his, err := term.DB.Prekeys().Claim(ctx, bundle.Device)
			if err != nil {
				return err
			}
			left = len(his.OneTime) > 0
		}
		if err := term.DB.Prekeys().Publish(ctx, bundle); err != nil {
			return err
		}
		t.Phase("the key server gives out Mallory's keys as Bo's")
		if err := term.all(ctx, "ana: send bo swapped-1", "ana: send bo swapped-2", "ana: send bo swapped-3", "cy: send bo hello"); err != nil {
			return err
		}
		shows, err := term.reads(ctx, "bo", "swapped-3", 10*time.Second)
		if err != nil {
			return err
		}
		theirs, err := term.types(ctx, "cy", "safety bo")
		if err != nil {
			return err
		}
		ours, err := term.types(ctx, "bo", "safety cy")
		if err != nil {
			return err
		}
		differ := 0.0
		if theirs != ours {
			differ = 1
		}
		t.Figure("messages that Bo can read after the swap, of 3", float64(strings.Count(shows, "swapped-")))
		t.Figure("strangers whose number differs from Bo's, of 1", differ)
		return nil
	},
}

// bundle is the one that somebody's device has published.
func (t *terminal) bundle(ctx context.Context, name string) (messaging.Bundle, error) {
	u, err := t.DB.Accounts().Find(ctx, name)
	if err != nil {
		return messaging.Bundle{}, err
	}
	return t.DB.Prekeys().Claim(ctx, messaging.Address{User: u, Device: 1})
}
