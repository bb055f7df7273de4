package provider_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"designkits/cases/tickets/payments"
	"designkits/cases/tickets/provider"
	"designkits/shared/testenv"
)

// through makes the payments from one number to before another, captures them and
// gives them back, and returns how many changes that were.
func (s *scene) through(from, to int) (changes int) {
	s.t.Helper()
	for i := from; i < to; i++ {
		p := s.pay(fmt.Sprint("a", i), "tok_ok")
		s.do(p, "capture", fmt.Sprint("c", i), "", 200)
		s.do(p, "refunds", fmt.Sprint("r", i), `{"amount":5000}`, 200)
	}
	return 3 * (to - from)
}

// distinct counts the notices that were taken at least once.
func distinct(notices []payments.Notice) int {
	ids := map[string]bool{}
	for _, n := range notices {
		ids[n.ID] = true
	}
	return len(ids)
}

// inOrder reports whether the versions of each payment only grow.
func inOrder(notices []payments.Notice) bool {
	last := map[string]int64{}
	for _, n := range notices {
		if n.Payment.Version <= last[n.Payment.ID] {
			return false
		}
		last[n.Payment.ID] = n.Payment.Version
	}
	return true
}

func TestEachChangeIsToldOnceAndInOrder(t *testing.T) {
	in, all := newInbox(t, nil), make(chan struct{})
	release := sync.OnceFunc(func() { close(all) })
	defer release()
	in.hold = func(n payments.Notice) {
		if n.Payment.Version == 1 { // the receiver is slow with it, but nothing overtakes it
			<-all
		}
	}
	s := start(t, provider.Behaviour{}, in)
	changes := s.through(0, 1) // the sender doesn't wait for long
	release()
	changes += s.through(1, 20)
	testenv.Eventually(t, time.Minute, "all is told", func() bool { return len(in.taken()) >= changes })
	s = s.restarted(provider.Behaviour{}) // with whatever was left to tell
	s.pay("last", "tok_ok")
	testenv.Eventually(t, time.Minute, "the last is told", func() bool { return len(in.taken()) > changes })
	if got := in.taken(); len(got) != changes+1 || !inOrder(got) || in.forgeries > 0 {
		t.Errorf("%d notices of %d changes, in order: %v, %d forged", len(got), changes+1, inOrder(got), in.forgeries)
	}
}

func TestNoticesComeUntilTheyAreTaken(t *testing.T) {
	in := newInbox(t, func(tries int) int {
		return []int{http.StatusInternalServerError, http.StatusFound, http.StatusOK}[min(tries, 3)-1]
	})
	s := start(t, provider.Behaviour{}, in)
	changes := s.through(0, 3)
	testenv.Eventually(t, time.Minute, "all is told at the third try", func() bool { return distinct(in.taken()) == changes })
}

func TestNoticesThatWereNotTakenComeAfterARestart(t *testing.T) {
	in := newInbox(t, func(int) int { return http.StatusServiceUnavailable })
	s := start(t, provider.Behaviour{}, in)
	changes := s.through(0, 5)
	s.stop()
	in.takeAll()
	s.restarted(provider.Behaviour{})
	testenv.Eventually(t, time.Minute, "all is told", func() bool { return distinct(in.taken()) == changes })
}

func TestDuplicatesAreSentTwice(t *testing.T) {
	in := newInbox(t, nil)
	s := start(t, provider.Behaviour{DuplicateRate: 1, ReorderWithin: 20 * ms}, in)
	changes := s.through(0, 10)
	testenv.Eventually(t, time.Minute, "all is told twice", func() bool { return len(in.taken()) == 2*changes })
	times := map[string]int{}
	for _, n := range in.taken() {
		times[n.ID]++
	}
	for id, n := range times {
		if n != 2 {
			t.Errorf("%s came %d times", id, n)
		}
	}
}

func TestReorderedNoticesOvertakeEachOther(t *testing.T) {
	in := newInbox(t, nil)
	s := start(t, provider.Behaviour{ReorderRate: 0.5, ReorderWithin: 500 * ms}, in)
	changes := s.through(0, 40)
	testenv.Eventually(t, time.Minute, "all is told", func() bool { return len(in.taken()) == changes })
	if got := in.taken(); inOrder(got) || distinct(got) != changes {
		t.Errorf("%d of %d, in order: %v", distinct(got), changes, inOrder(got))
	}
}

func TestNoticesWait(t *testing.T) {
	in := newInbox(t, nil)
	s := start(t, provider.Behaviour{NoticeDelay: 300 * ms}, in)
	began := time.Now()
	s.pay("p", "tok_ok")
	testenv.Eventually(t, time.Minute, "it is told", func() bool { return len(in.taken()) == 1 })
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Errorf("after %s", took)
	}
	if slices.ContainsFunc(in.taken(), func(n payments.Notice) bool { return n.Payment.Version != 1 }) {
		t.Error("it tells of something else")
	}
}

// A provider that can't tell its news takes nothing on that it would have to tell.
func TestWhatCanNotBeToldIsNotDone(t *testing.T) {
	in := newInbox(t, func(int) int { return http.StatusServiceUnavailable })
	s := startWith(t, provider.Config{Journal: filepath.Join(t.TempDir(), "journal"), MaxNotices: 3, MaxPayments: 3,
		Behaviour: provider.Behaviour{SlowAfter: provider.Duration(time.Hour)}}, in)
	p := s.pay("1", "tok_ok")
	s.pay("2", "tok_slow") // one notice now, and one that will be
	if wait := s.ask("POST", "/v1/payments", "3", charge("tok_ok"), 503, nil).Get("Retry-After"); wait == "" {
		t.Error("it doesn't say when to try again")
	}
	if s.do(p, "capture", "c", "", 503); s.now(p) != p {
		t.Errorf("it changed: %+v", s.now(p))
	}
	in.takeAll()
	testenv.Eventually(t, time.Minute, "all is told", func() bool { return distinct(in.taken()) == 2 })
	testenv.Eventually(t, time.Minute, "it goes on", func() bool {
		res, err := s.send(t.Context(), "POST", "/v1/payments", "3", charge("tok_ok"))
		if err != nil {
			t.Fatal(err)
		}
		return res.Body.Close() == nil && res.StatusCode == http.StatusCreated
	})
	testenv.Eventually(t, time.Minute, "that is told", func() bool { return distinct(in.taken()) == 3 })
	s.ask("POST", "/v1/payments", "4", charge("tok_ok"), 503, nil) // there are as many as it keeps
	testenv.Eventually(t, time.Minute, "what it has goes on", func() bool {
		res, err := s.send(t.Context(), "POST", "/v1/payments/"+p.ID+"/capture", "c", "")
		if err != nil {
			t.Fatal(err)
		}
		return res.Body.Close() == nil && res.StatusCode == http.StatusOK
	})
}

// A notice that nobody took for three days isn't sent any more.
func TestOldNoticesAreGivenUp(t *testing.T) {
	in := newInbox(t, func(int) int { return http.StatusServiceUnavailable })
	journal := filepath.Join(t.TempDir(), "journal")
	var lines string
	for id, age := range map[string]time.Duration{"old": 72*time.Hour + time.Minute, "young": 72*time.Hour - time.Minute} {
		at := time.Now().Add(-age).Format(time.RFC3339)
		lines += fmt.Sprintf(`{"notice":{"id":%q,"at":%q,"due":%q,"payment":{"id":%q,"version":1}}}`+"\n", id, at, at, id)
	}
	if err := os.WriteFile(journal, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startAt(t, journal, provider.Behaviour{}, in)
	testenv.Eventually(t, time.Minute, "both were tried", func() bool { return in.tried("old") > 0 && in.tried("young") > 0 })
	s.stop()
	in.takeAll()
	s.restarted(provider.Behaviour{}).pay("p", "tok_ok")
	testenv.Eventually(t, time.Minute, "the young one and the new one are taken", func() bool { return len(in.taken()) == 2 })
	if n := in.tried("old"); n != 1 {
		t.Errorf("the old one was tried %d times", n)
	}
}
