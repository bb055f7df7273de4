package audit_test

import (
	"fmt"
	"slices"
	"testing"

	"designkits/cases/messaging"
	"designkits/cases/messaging/audit"
)

var (
	ana          = messaging.Address{User: "u0123456789abcdef", Device: 1}
	conversation = messaging.ConversationID("c0123456789abcdef")
)

func message(n int) messaging.Message {
	return messaging.Message{Draft: messaging.Draft{Conversation: conversation, ID: messaging.MessageID(fmt.Sprintf("%016d", n))}, Seq: messaging.Seq(n)}
}

// The checker finds each way in which it can be wrong: else its word means nothing.
func TestTheCheckerFindsWhatIsWrong(t *testing.T) {
	all := []messaging.Message{message(1), message(2), message(3), message(4)}
	doubled := append(slices.Clone(all), messaging.Message{Draft: all[1].Draft, Seq: 5})
	other := slices.Clone(all)
	other[2].ID = "another-message-000"
	for name, c := range map[string]struct {
		shown, history []messaging.Message
		want           audit.Verdict
	}{
		"all is well":                         {all, all, audit.Verdict{}},
		"one isn't shown":                     {[]messaging.Message{all[0], all[1], all[3]}, all, audit.Verdict{Lost: 1}},
		"the last isn't":                      {all[:3], all, audit.Verdict{Lost: 1}},
		"one is shown twice":                  {append(slices.Clone(all), all[1]), all, audit.Verdict{Twice: 1}},
		"two are exchanged":                   {[]messaging.Message{all[0], all[2], all[1], all[3]}, all, audit.Verdict{OutOfOrder: 1}},
		"the history lacks one that was sent": {all[:3], all[:3], audit.Verdict{Lost: 1}},
		"the history has one twice":           {doubled, doubled, audit.Verdict{Twice: 1, Lost: 1}}, // and not where it was sent
		"another one stands there":            {other, all, audit.Verdict{OutOfOrder: 1}},
	} {
		book := audit.New()
		for _, m := range all {
			book.Sent(conversation, m.ID, m.Seq)
		}
		for _, m := range c.shown {
			book.Shown(ana, m)
		}
		got := book.Check(conversation, c.history, ana)
		if (got.First == "") != got.OK() || got.OK() != c.want.OK() {
			t.Errorf("%s: %+v", name, got)
		}
		got.First = ""
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
