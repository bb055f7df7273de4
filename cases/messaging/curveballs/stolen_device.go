package curveballs

import (
	"context"
	"fmt"
	"strings"
	"time"

	"designkits/shared/curveball"
)

// StolenDevice is a laptop that is stolen with everything on it.
var StolenDevice = curveball.Experiment{
	Name:       "stolen-device",
	Question:   "Bo's laptop is stolen, unlocked. He signs it out from his phone. What does the thief read of what Ana writes then, and how would Ana know that something has changed?",
	Hypothesis: "Nothing: the laptop is let in nowhere, and nothing is encrypted for it any more. The number that Ana and Bo compare is another one.",
	Answer: `What was on the laptop is the thief's: no server can take it back. What comes afterwards is kept from it twice. Its tokens are refused
everywhere at once ([SignOuts](adapters/redis/signouts.go), and by the accounts where Redis has forgotten it), its connection is closed, and its prekeys are withdrawn, so
that nobody can begin a session with it. And the others stop encrypting for it: Bo's phone says in his conversations that his devices have changed, each client looks up
which he has, and sender keys that the laptop had are replaced. The second holds even if the server lets the laptop in. Since the safety number is made of the keys of
all devices, it changes, and so it does when a device is added that Bo didn't add. Without the sign-out, after a new password, say, the laptop is a device like the others.`,
	Expect: curveball.Bands{
		curveball.AtMost("messages said afterwards that the laptop shows, of 3", "", 0),
		curveball.AtLeast("messages that the phone shows, of 3", "", 3),
		curveball.AtLeast("safety numbers that have changed", "", 1),
	},
	Control: curveball.Without("a sign-out", "sign out", "no"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		term, err := openTerminal(ctx, t)
		if err != nil {
			return err
		}
		if err := term.all(ctx, "ana: signup", "bo: signup"); err != nil {
			return err
		}
		code, err := term.types(ctx, "bo", "code")
		if err != nil {
			return err
		}
		if err := term.all(ctx, "laptop: link "+code, "ana: send bo before-the-theft"); err != nil {
			return err
		}
		for _, as := range []string{"bo", "laptop"} {
			if out, err := term.reads(ctx, as, "before-the-theft", 30*time.Second); err != nil || !strings.Contains(out, "before-the-theft") {
				return fmt.Errorf("before anything happens %s shows %q: %w", as, out, err)
			}
		}
		before, err := term.types(ctx, "ana", "safety bo")
		if err != nil {
			return err
		}
		if t.Option("sign out", "yes") == "yes" {
			t.Phase("bo signs the laptop out")
			if err := term.all(ctx, "bo: signout 2"); err != nil {
				return err
			}
		}
		if err := term.all(ctx, "ana: read bo", "ana: send bo afterwards-1", "ana: send bo afterwards-2", "ana: send bo afterwards-3"); err != nil {
			return err
		}
		phone, err := term.reads(ctx, "bo", "afterwards-3", 30*time.Second)
		if err != nil {
			return err
		}
		stolen, err := term.reads(ctx, "laptop", "afterwards-3", 5*time.Second)
		if err != nil { // it is let in nowhere; what it shows is what it has
			t.Note("%v", err)
		}
		after, err := term.types(ctx, "ana", "safety bo")
		if err != nil {
			return err
		}
		changed := 0.0
		if after != before {
			changed = 1
		}
		t.Figure("messages said afterwards that the laptop shows, of 3", float64(strings.Count(stolen, "afterwards-")))
		t.Figure("messages that the phone shows, of 3", float64(strings.Count(phone, "afterwards-")))
		t.Figure("safety numbers that have changed", changed)
		return nil
	},
}
