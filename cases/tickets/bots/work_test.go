package bots_test

import (
	"errors"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/bots"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func work(at time.Time) bots.Work {
	return bots.Work{Secret: []byte("secret"), For: time.Minute, Now: func() time.Time { return at }}
}

func solved(t interface{ Fatal(...any) }, bits int) bots.Proof {
	c, err := work(noon).Challenge("e", "ann", bits)
	if err != nil || c.Bits != bits || !c.Until.Equal(noon.Add(time.Minute)) {
		t.Fatal(c, err)
	}
	p, ok := bots.Solve(c, nil)
	if !ok {
		t.Fatal("not solved")
	}
	return p
}

func TestAProofIsGoodForItsOwnAccountEventAndTime(t *testing.T) {
	good := solved(t, 10)
	id, left, err := work(noon.Add(20*time.Second)).Check(good, "e", "ann", 10)
	if err != nil || id == "" || left != 40*time.Second {
		t.Fatal(id, left, err)
	}
	other := bots.Work{Secret: []byte("another"), For: time.Minute, Now: work(noon).Now}
	for name, c := range map[string]struct {
		work  bots.Work
		proof bots.Proof
		event tickets.EventID
		who   tickets.Account
		bits  int
		want  error
	}{
		"another account": {work(noon), good, "e", "bob", 10, bots.ErrForeignChallenge},
		"another event":   {work(noon), good, "f", "ann", 10, bots.ErrForeignChallenge},
		"too late":        {work(noon.Add(time.Minute)), good, "e", "ann", 10, bots.ErrChallengeExpired},
		"too easy":        {work(noon), good, "e", "ann", 11, bots.ErrTooEasy},
		"another secret":  {other, good, "e", "ann", 10, bots.ErrNoChallenge},
		"nothing":         {work(noon), bots.Proof{}, "e", "ann", 10, bots.ErrNoChallenge},
		"unsolved":        {work(noon), bots.Proof{Token: good.Token, Solution: "x" + good.Solution}, "e", "ann", 10, bots.ErrUnsolved},
	} {
		if _, _, err := c.work.Check(c.proof, c.event, c.who, c.bits); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// Nobody can make a challenge easier, or another's, by changing a token.
func TestAChangedTokenIsRefused(t *testing.T) {
	good := solved(t, 8)
	rapid.Check(t, func(t *rapid.T) {
		token := []byte(good.Token)
		at := rapid.IntRange(0, len(token)-2).Draw(t, "at") // of the last character two bits mean nothing
		token[at] = rapid.Byte().Filter(func(b byte) bool { return b != token[at] }).Draw(t, "to")
		p, ok := bots.Solve(bots.Challenge{Token: string(token), Bits: 8}, nil)
		if !ok {
			t.Fatal("not solved")
		}
		if _, _, err := work(noon).Check(p, "e", "ann", 8); err == nil {
			t.Fatalf("%q is accepted", token)
		}
	})
}

func TestSolvingStops(t *testing.T) {
	c, err := work(noon).Challenge("e", "ann", 200) // longer than the world lasts
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	close(stop)
	if p, ok := bots.Solve(c, stop); ok {
		t.Errorf("solved by %s", p.Solution)
	}
}
