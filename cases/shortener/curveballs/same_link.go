package curveballs

import (
	"context"
	"fmt"
	"net/http"

	"designkits/cases/shortener/client"
	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// SameLink is one long address that everybody shortens.
var SameLink = curveball.Experiment{
	Name:       "same-link",
	Question:   "A million users shorten the same long address. Do they share one short link?",
	Hypothesis: "No: each gets one of their own, since a link is its owner's to change, and its clicks are its owner's to see.",
	Answer: `A million links of 500 bytes in three copies are 1.5 GB, some twenty cents a month
([capacity](#capacity)); that is what sharing saves. It costs an index from target to code, a conditional
write for each link, and above all the meaning: whose link is it, who may change or delete it, whose
are the clicks, and that a stranger learns that somebody has shortened this address before. So each
gets a code of their own. Who wants the same code twice asks for their own links first.`,
	Expect: curveball.Bands{
		curveball.AtMost("users who can't change their own link, of 50", "", 0),
		curveball.AtMost("links that lead where somebody else wants, of 50", "", 0),
		curveball.Between("different codes, of 50", "", 50, 50),
	},
	Control: curveball.With("one code for one target", "CODES", "hashed"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := startAPI(ctx, t, rig.Options{})
		if err != nil {
			return err
		}
		const users = 50
		const target = "https://example.com/what-everybody-talks-about"
		links, owners, codes := make([]client.Link, users), make([]*client.Client, users), map[string]bool{}
		for i := range users {
			if owners[i], err = s.user(ctx); err != nil {
				return err
			}
			if links[i], err = shorten(ctx, owners[i], map[string]any{"target": target}); err != nil {
				return err
			}
			codes[links[i].Code] = true
		}
		own := func(i int) string { return fmt.Sprintf("https://example.com/user-%d", i) }
		refused, elsewhere := 0, 0
		for i := range users {
			if err := change(ctx, owners[i], links[i], map[string]any{"target": own(i)}); refusedAs(err, http.StatusForbidden) {
				refused++
			} else if err != nil {
				return err
			}
		}
		for i := range users {
			_, location, err := s.Follow(ctx, "/"+links[i].Code, http.Header{})
			if err != nil {
				return err
			}
			if location != own(i) && location != target {
				elsewhere++
			}
		}
		t.Figure("users who can't change their own link, of 50", float64(refused))
		t.Figure("links that lead where somebody else wants, of 50", float64(elsewhere))
		t.Figure("different codes, of 50", float64(len(codes)))
		return nil
	},
}
