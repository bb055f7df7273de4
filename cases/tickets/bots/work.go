package bots

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"designkits/cases/tickets"
)

// Bits returns how much work a suspicion costs: on average 2^bits hashes, none
// below a suspicion of 20. Ten points more are twice the work. A browser makes
// about a million hashes a second, so 14 bits are soon done and 22 take
// seconds, on every try of every account.
func Bits(suspicion int) int {
	if suspicion < 20 {
		return 0
	}
	return 12 + min(suspicion, Most)/10
}

// A Challenge is work to be done: find a solution so that the SHA-256 of
// "TOKEN:SOLUTION" begins with so many zero bits. The token holds all that is to
// be known of it, signed, so that nothing is stored until it is solved.
type Challenge struct {
	Token string    `json:"token"`
	Bits  int       `json:"bits"`
	Until time.Time `json:"until"`
}

// A Proof is a solved challenge.
type Proof struct {
	Token    string `json:"token"`
	Solution string `json:"solution"`
}

// Work makes challenges and checks proofs.
type Work struct {
	Secret []byte
	For    time.Duration // how long a challenge may be solved
	Now    func() time.Time
}

// The errors of Check.
var (
	ErrNoChallenge      = errors.New("this isn't a challenge of ours")
	ErrChallengeExpired = errors.New("the challenge has expired")
	ErrForeignChallenge = errors.New("the challenge was for another account or event")
	ErrTooEasy          = errors.New("by now more work is asked for")
	ErrUnsolved         = errors.New("the solution is wrong")
)

type terms struct {
	ID      string          `json:"id"`
	Event   tickets.EventID `json:"event"`
	Account tickets.Account `json:"account"`
	Bits    int             `json:"bits"`
	Until   int64           `json:"until"` // ms since 1970
}

// maxSolution bounds a solution, in bytes: a number of 64 bits is shorter.
const maxSolution = 32

// encoding is strict, so that a token has one form.
var encoding = base64.RawURLEncoding.Strict()

// Challenge makes a challenge for the account.
func (w Work) Challenge(event tickets.EventID, account tickets.Account, bits int) (Challenge, error) {
	until := w.Now().Add(w.For)
	text, err := json.Marshal(terms{rand.Text(), event, account, bits, until.UnixMilli()})
	if err != nil {
		return Challenge{}, fmt.Errorf("make a challenge: %w", err)
	}
	return Challenge{
		Token: encoding.EncodeToString(text) + "." + encoding.EncodeToString(w.mac(text)), Bits: bits, Until: until,
	}, nil
}

// mac signs terms, and nothing else that the same secret may sign.
func (w Work) mac(text []byte) []byte {
	mac := hmac.New(sha256.New, w.Secret)
	mac.Write([]byte("tickets/work\n"))
	mac.Write(text)
	return mac.Sum(nil)
}

// Check returns the challenge's id and how long it could still be used, if the
// proof solves a challenge of at least so many bits for the account; else one of
// the errors above. Whoever accepts a proof must Spend its id, so that it is
// good once.
func (w Work) Check(p Proof, event tickets.EventID, account tickets.Account, bits int) (id string, left time.Duration, err error) {
	head, tail, _ := strings.Cut(p.Token, ".")
	text, err := encoding.DecodeString(head)
	if err != nil {
		return "", 0, ErrNoChallenge
	}
	mac, err := encoding.DecodeString(tail)
	var t terms
	if err != nil || !hmac.Equal(mac, w.mac(text)) || json.Unmarshal(text, &t) != nil {
		return "", 0, ErrNoChallenge
	}
	left = time.UnixMilli(t.Until).Sub(w.Now())
	switch {
	case t.Event != event || t.Account != account:
		return "", 0, ErrForeignChallenge
	case left <= 0:
		return "", 0, ErrChallengeExpired
	case t.Bits < bits:
		return "", 0, ErrTooEasy
	case len(p.Solution) > maxSolution || zeros(p) < t.Bits:
		return "", 0, ErrUnsolved
	}
	return t.ID, left, nil
}

// zeros is how many zero bits the proof's hash begins with.
func zeros(p Proof) int {
	hash := sha256.Sum256([]byte(p.Token + ":" + p.Solution))
	n := 0
	for _, b := range hash {
		n += bits.LeadingZeros8(b)
		if b != 0 {
			break
		}
	}
	return n
}

// Solve does the work, as a page does. It stops with false when stop is closed.
func Solve(c Challenge, stop <-chan struct{}) (Proof, bool) {
	for n := uint64(0); ; n++ {
		if p := (Proof{c.Token, strconv.FormatUint(n, 10)}); zeros(p) >= c.Bits {
			return p, true
		}
		if n%4096 == 0 {
			select {
			case <-stop:
				return Proof{}, false
			default:
			}
		}
	}
}
