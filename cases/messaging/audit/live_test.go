package audit_test

import (
	"testing"
	"testing/synctest"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/audit"
)

var bo = messaging.Address{User: "u0123456789abcdeg", Device: 1}

func TestWhatIsWrongIsFoundWhileTheyTalk(t *testing.T) {
	other := func(n, id int) messaging.Message { m := message(n); m.ID = message(id).ID; return m }
	all := []messaging.Message{message(1), message(2), message(3)}
	for name, c := range map[string]struct {
		ana, bo []messaging.Message
		want    audit.Verdict
	}{
		"all is well":                {all, all, audit.Verdict{}},
		"the last isn't shown":       {all, all[:2], audit.Verdict{Lost: 1}},
		"nobody shows the last":      {all[:2], all[:2], audit.Verdict{Lost: 1}},
		"one isn't shown":            {all, []messaging.Message{all[0], all[2]}, audit.Verdict{Lost: 1, OutOfOrder: 1}},
		"one is shown twice":         {all, []messaging.Message{all[0], all[1], all[1], all[2]}, audit.Verdict{Twice: 1}},
		"two numbers for one":        {append(all[:3:3], other(4, 2)), append(all[:3:3], other(4, 2)), audit.Verdict{Twice: 1}},
		"two messages of one number": {all, []messaging.Message{all[0], other(2, 9), all[2]}, audit.Verdict{OutOfOrder: 1}},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := audit.NewLive(time.Minute)
			l.Begin(conversation, ana, bo)
			for _, m := range all {
				l.Sent(conversation, m.ID, m.Seq)
			}
			for _, m := range c.ana {
				l.Shown(ana, m)
			}
			for _, m := range c.bo {
				l.Shown(bo, m)
			}
			if v := l.Verdict(time.Now().Add(time.Minute)); v.Lost > 0 {
				t.Errorf("%s: missed too early: %s", name, v)
			}
			v := l.Verdict(time.Now().Add(time.Minute + 1))
			if (v.First == "") != v.OK() {
				t.Errorf("%s: %+v", name, v)
			}
			if v.First = ""; v != c.want {
				t.Errorf("%s: %+v, want %+v", name, v, c.want)
			}
		})
	}
}

// What comes late isn't lost, and what all show is forgotten in time.
func TestTheLateIsNotLostAndTheOldIsForgotten(t *testing.T) {
	l := audit.NewLive(0)
	l.Begin(conversation, ana, bo)
	const many = 1000
	for n := range many {
		l.Shown(ana, message(n+1))
	}
	later := time.Now().Add(time.Hour)
	if v := l.Verdict(later); v.Lost != many {
		t.Errorf("%s, want %d lost", v, many)
	}
	for n := range many {
		l.Shown(bo, message(n+1))
		l.Sent(conversation, message(n+1).ID, messaging.Seq(n+1)) // told when all show it
	}
	if v := l.Verdict(later); !v.OK() || l.Has(bo, conversation) != many {
		t.Errorf("%s, bo shows up to %d", v, l.Has(bo, conversation))
	}
	again := message(many + 1)
	again.ID = message(1).ID // which is forgotten
	l.Shown(ana, again)
	if v := l.Verdict(later); v.Twice != 0 {
		t.Errorf("%s: the first is remembered", v)
	}
}
