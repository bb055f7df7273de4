package curveballs

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"designkits/cases/shortener/codes"
	"designkits/shared/curveball"
	"designkits/shared/load"
	"designkits/shared/rig"
)

// GuessCodes is an attacker who looks for other people's links next to his own.
var GuessCodes = curveball.Experiment{
	Name:       "guess-codes",
	Question:   "An attacker makes one link and tries the 20,000 codes around its own. How many links of others are found?",
	Hypothesis: "None, even with an address for every guess; and from one address hardly any guess is answered.",
	Answer: `Codes are the counter put through a keyed permutation ([Permutation](codes/permutation.go)), so the
neighbours of a code are anywhere in 3.5 × 10¹² and a guess hits by chance only: with 17.5 billion
links once in 201 guesses, so a code is no secret and a private document needs a password. What
makes guessing dear is the [Gate](limits.go): a wrong guess costs ten tokens of its address, and
whatever gets through ends in the cache of unknown codes. (480 are what two replicas let through in two
seconds, each 2,000 tokens and 200 a second more, at ten a guess.)`,
	Expect: curveball.Bands{
		curveball.AtMost("links of others found by 20,000 guesses", "", 0),
		curveball.AtMost("guesses answered to one address, of 2,000", "", 800),
	},
	Control: curveball.With("codes that count up", "CODES", "sequential"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := start(ctx, t, rig.Options{})
		if err != nil {
			return err
		}
		attacker, err := s.at("api-1")
		if err != nil {
			return err
		}
		if _, err := s.links(ctx, 1000); err != nil {
			return err
		}
		own, err := shorten(ctx, attacker, map[string]any{"target": "https://example.com/mine"})
		if err != nil {
			return err
		}
		if _, err := s.links(ctx, 1000); err != nil {
			return err
		}
		const guesses = 20_000
		near, err := codes.Near(own.Code, guesses)
		if err != nil {
			return err
		}
		var found, answered atomic.Int64
		_, err = t.Load(ctx, "guesses from many addresses", load.Plan{Rate: 1000, For: 20 * time.Second, Workers: workers},
			load.HTTP(s.edge(), workers,
				func(n int) load.Request { return load.Request{Path: "/" + near[n], Header: person(n)} },
				func(_, status int, _ []byte) error {
					switch status {
					case http.StatusFound:
						found.Add(1)
					case http.StatusNotFound:
					default:
						return fmt.Errorf("a guess was answered %d", status)
					}
					return nil
				}))
		if err != nil {
			return err
		}
		_, err = t.Load(ctx, "guesses from one address", load.Plan{Rate: 1000, For: 2 * time.Second, Workers: workers},
			load.HTTP(s.edge(), workers,
				func(n int) load.Request { return load.Request{Path: "/" + near[guesses-1-n], Header: person(100_000)} },
				func(_, status int, _ []byte) error {
					if status != http.StatusTooManyRequests {
						answered.Add(1)
					}
					return nil
				}))
		t.Figure("links of others found by 20,000 guesses", float64(found.Load()))
		t.Figure("guesses answered to one address, of 2,000", float64(answered.Load()))
		return err
	},
}
