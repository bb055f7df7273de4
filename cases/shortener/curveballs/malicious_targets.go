package curveballs

import (
	"context"
	"errors"
	"net/http"

	"designkits/cases/shortener/client"
	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// evil are targets that do harm, each behind what it is.
func evil(own string) [][2]string {
	return [][2]string{
		{"a script", "javascript:alert(document.cookie)"},
		{"a script split by a tab", "java\tscript:alert(1)"},
		{"a page in the address", "data:text/html,<script>alert(1)</script>"},
		{"a file of the visitor", "file:///etc/passwd"},
		{"the cloud's secrets", "http://169.254.169.254/latest/meta-data/"},
		{"the same as one number", "http://2852039166/latest/meta-data/"},
		{"the visitor's own machine", "http://127.0.0.1:8080/admin"},
		{"the same in hex", "http://0x7f.1/"},
		{"the same in IPv6", "http://[::1]/"},
		{"the same in full-width digits", "http://１２７.０.０.１/"},
		{"the visitor's router", "http://192.168.1.1/reboot"},
		{"a name inside a company", "http://intranet/payroll"},
		{"a name of the local network", "http://printer.local/"},
		{"a password in the open", "https://admin:hunter2@example.com/"},
		{"a host that is none", `https://example.com\@evil.example/`},
		{"a second header", "https://example.com/\r\nSet-Cookie: session=stolen"},
		{"a redirect loop through this site", own + "/abc1234"},
		{"a loop, written otherwise", own + "./abc1234"},
		{"a blocked site", "https://bit.ly/3xyz"},
		{"a page below a blocked site", "https://www.tinyurl.com/3xyz"},
	}
}

// good are targets that look odd and are fine.
var good = []string{
	"https://example.com:8443/path?x=1&y=2#z",
	"http://93.184.215.14/",
	"https://bücher.example/größe",
	"https://en.wikipedia.org/wiki/Tab_(interface)",
	"https://notbit.ly/1",
}

// MaliciousTargets is somebody who wants the short link to do the harm.
var MaliciousTargets = curveball.Experiment{
	Name:       "malicious-targets",
	Question:   "People shorten links that do harm: scripts, addresses inside a network, loops through the shortener itself. Which get through?",
	Hypothesis: "None of them, and nothing that is merely odd is refused.",
	Answer: `The target is read as a browser will read it, and normalised before it is judged
([Check](target/target.go)): 0x7f.1, full-width digits and 2852039166 are addresses, a tab inside
"javascript:" counts for nothing. Links to ourselves, to other shorteners and to blocked domains are
refused, so no loop and no chain can be made here. What can't be known at creation is what the
target's page will be tomorrow: that takes a list that is looked at again, a preview
(the code and a +), and somebody who answers abuse reports.`,
	Expect: curveball.Bands{
		curveball.AtMost("evil targets accepted", "", 0),
		curveball.AtMost("good targets refused", "", 0),
	},
	Control: curveball.Without("checks of the target", "TARGET_CHECKS", "off"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := startAPI(ctx, t, rig.Options{})
		if err != nil {
			return err
		}
		accepted, refused := 0, 0
		for _, e := range evil("http://" + s.Addr("nginx")) {
			what, target := e[0], e[1]
			_, err := s.link(ctx, target)
			switch {
			case err == nil:
				accepted++
				t.Note("accepted: %s, %q", what, target)
			case !refusedAs(err, http.StatusUnprocessableEntity):
				return err
			}
		}
		for _, target := range good {
			if _, err := s.link(ctx, target); refusedAs(err, http.StatusUnprocessableEntity) {
				refused++
				t.Note("refused: %q: %v", target, err)
			} else if err != nil {
				return err
			}
		}
		t.Figure("evil targets accepted", float64(accepted))
		t.Figure("good targets refused", float64(refused))
		return nil
	},
}

// refusedAs reports whether the API answered with this status.
func refusedAs(err error, status int) bool {
	var no *client.Refusal
	return errors.As(err, &no) && no.Status == status
}
