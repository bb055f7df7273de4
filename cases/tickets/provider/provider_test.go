package provider_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/tickets/payments"
	"designkits/cases/tickets/provider"
	"designkits/shared/testenv"
)

const ms = provider.Duration(time.Millisecond)

func TestAPaymentIsAuthorisedCapturedAndGivenBackInParts(t *testing.T) {
	s := start(t, provider.Behaviour{}, nil)
	p := s.pay("a", "tok_ok")
	if p.Status != payments.Authorised || p.Version != 1 || p.Amount != 5000 || p.Order != "order 1" || p.Currency != "EUR" {
		t.Fatalf("%+v", p)
	}
	for _, step := range []struct {
		what, body string
		status     payments.Status
		refunded   int64
	}{
		{"capture", "", payments.Captured, 0},
		{"refunds", `{"amount":2000}`, payments.Captured, 2000},
		{"refunds", `{"amount":3000}`, payments.Refunded, 5000},
	} {
		before := p
		p = s.do(p, step.what, "then"+step.body, step.body, 200)
		if p.Status != step.status || int64(p.Refunded) != step.refunded || p.Version != before.Version+1 || p != s.now(p) {
			t.Fatalf("after %s: %+v, and then %+v", step.what, p, s.now(p))
		}
	}
}

func TestWhatAPaymentIsNotReadyForChangesNothing(t *testing.T) {
	s := start(t, provider.Behaviour{SlowAfter: provider.Duration(time.Hour)}, nil)
	authorised, declined, pending := s.pay("1", "tok_ok"), s.pay("2", "tok_declined"), s.pay("3", "tok_slow")
	captured := s.do(s.pay("4", "tok_ok"), "capture", "4c", "", 200)
	voided := s.do(s.pay("5", "tok_ok"), "void", "5v", "", 200)
	if declined.Status != payments.Declined || declined.Reason == "" || pending.Status != payments.Pending || voided.Status != payments.Voided {
		t.Fatalf("%+v %+v %+v", declined, pending, voided)
	}
	for i, c := range []struct {
		of         payments.Payment
		what, body string
		want       int
	}{
		{authorised, "refunds", `{"amount":1}`, 409},
		{declined, "capture", "", 409}, {declined, "void", "", 409}, {declined, "refunds", `{"amount":1}`, 409},
		{pending, "capture", "", 409}, {pending, "void", "", 409}, {pending, "refunds", `{"amount":1}`, 409},
		{captured, "capture", "", 409}, {captured, "void", "", 409}, {captured, "refunds", `{"amount":5001}`, 409},
		{captured, "refunds", `{"amount":0}`, 422}, {captured, "refunds", `{"amount":-1}`, 422},
		{voided, "capture", "", 409}, {voided, "void", "", 409},
	} {
		s.do(c.of, c.what, fmt.Sprint("try", i), c.body, c.want)
		if now := s.now(c.of); now != c.of {
			t.Errorf("%s of what is %s left it %+v", c.what, c.of.Status, now)
		}
	}
}

func TestAKeyTakesEffectOnce(t *testing.T) {
	s := start(t, provider.Behaviour{}, nil)
	first := s.pay("k", "tok_ok")
	captured := s.do(first, "capture", "kc", "", 200)
	for range 2 {
		var again payments.Payment
		header := s.ask("POST", "/v1/payments", "k", charge("tok_ok"), 201, &again)
		if again != first || header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("again: %+v, %v, want the first answer %+v", again, header, first)
		}
		s = s.restarted(provider.Behaviour{})
	}
	if again := s.do(first, "capture", "kc", "", 200); again != captured || s.now(first) != captured {
		t.Errorf("captured again: %+v", again)
	}
	var p struct{ Type string }
	for _, other := range []struct{ path, body string }{
		{"/v1/payments", `{"order":"order 1","amount":5001,"currency":"EUR","source":"tok_ok"}`},
		{"/v1/payments/" + first.ID + "/void", ""},
	} {
		if s.ask("POST", other.path, "k", other.body, 422, &p); p.Type != "/problems/key-reused" {
			t.Errorf("%s: %+v", other.path, p)
		}
	}
	// What was refused may be tried again with its key.
	s.do(first, "refunds", "r", `{"amount":6000}`, 409)
	s.do(first, "refunds", "r", `{"amount":1000}`, 200)
}

func TestManyAtOnceWithOneKeyMakeOnePayment(t *testing.T) {
	in := newInbox(t, nil)
	s := start(t, provider.Behaviour{}, in)
	ids := make([]string, 32)
	var all errgroup.Group
	for i := range ids {
		all.Go(func() error {
			res, err := s.send(t.Context(), "POST", "/v1/payments", "one", charge("tok_ok"))
			if err != nil {
				return err
			}
			defer res.Body.Close()
			var made payments.Payment
			err = json.NewDecoder(res.Body).Decode(&made)
			ids[i] = made.ID
			return err
		})
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("payments %s and %s", ids[0], id)
		}
	}
	last := s.pay("another", "tok_ok") // its notice says that no other is on its way
	testenv.Eventually(t, time.Minute, "both notices", func() bool { return len(in.taken()) >= 2 })
	for _, n := range in.taken() {
		if n.Payment.ID != ids[0] && n.Payment.ID != last.ID {
			t.Errorf("there is a third payment, %+v", n.Payment)
		}
	}
}

func TestSlowAndLatePaymentsAreAuthorisedInTheirTime(t *testing.T) {
	in := newInbox(t, nil)
	s := start(t, provider.Behaviour{SlowAfter: 50 * ms, LateAfter: 5000 * ms}, in)
	late, slow := s.pay("late", "tok_late"), s.pay("slow", "tok_slow")
	for _, p := range []payments.Payment{slow, late} {
		if p.Status != payments.Pending {
			t.Fatalf("%+v", p)
		}
		testenv.Eventually(t, time.Minute, "it is authorised", func() bool { return s.now(p).Status == payments.Authorised })
	}
	var order []string
	testenv.Eventually(t, time.Minute, "each change is told", func() bool { return len(in.taken()) == 4 })
	for _, n := range in.taken() {
		if n.Payment.Status == payments.Authorised {
			order = append(order, n.Payment.ID)
		}
	}
	if len(order) != 2 || order[0] != slow.ID || order[1] != late.ID {
		t.Errorf("authorised are %v, want %s and then %s", order, slow.ID, late.ID)
	}
}

// A pending payment is decided though its process ended in between.
func TestPendingPaymentsAreDecidedAfterARestart(t *testing.T) {
	s := start(t, provider.Behaviour{SlowAfter: 200 * ms}, nil)
	p := s.pay("p", "tok_slow")
	s = s.restarted(provider.Behaviour{})
	testenv.Eventually(t, time.Minute, "it is authorised", func() bool { return s.now(p).Status == payments.Authorised })
}

// givenUp is the context of a caller who waits for so long once the request is sent.
func givenUp(t *testing.T, after time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { time.AfterFunc(after, cancel) },
	}), cancel
}

func TestAnAnswerThatIsLostHasTakenEffect(t *testing.T) {
	in := newInbox(t, nil)
	s := start(t, provider.Behaviour{}, in)
	unanswered := func(key, source string) {
		t.Helper()
		ctx, cancel := givenUp(t, 300*time.Millisecond)
		defer cancel()
		res, err := s.send(ctx, "POST", "/v1/payments", key, charge(source))
		if err == nil {
			res.Body.Close()
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("%v, %v, want no answer", res, err)
		}
	}
	unanswered("lost", "tok_timeout")
	testenv.Eventually(t, time.Minute, "the notice tells", func() bool { return len(in.taken()) == 1 })
	told := in.taken()[0].Payment
	if told.Status != payments.Authorised || s.pay("lost", "tok_timeout") != told {
		t.Errorf("%+v", told)
	}
	if err := provider.Behave(t.Context(), s.url, apiKey, map[string]any{"timeoutRate": 1}); err != nil {
		t.Fatal(err)
	}
	unanswered("lost_too", "tok_ok")
	unanswered("lost_too", "tok_ok")
	testenv.Eventually(t, time.Minute, "the notice tells of the second, once", func() bool { return len(in.taken()) == 2 })
}

// Who gives up doesn't know, and the provider doesn't care.
func TestWhatACallerGaveUpTakesEffect(t *testing.T) {
	in := newInbox(t, nil)
	s := start(t, provider.Behaviour{Latency: 300 * ms, Latency99: 300 * ms}, in)
	ctx, cancel := givenUp(t, 0)
	defer cancel()
	res, err := s.send(ctx, "POST", "/v1/payments", "k", charge("tok_ok"))
	if err == nil {
		res.Body.Close()
		t.Fatalf("it was answered in time: %s", res.Status)
	}
	testenv.Eventually(t, time.Minute, "the notice tells", func() bool { return len(in.taken()) == 1 })
	if made := in.taken()[0].Payment; s.pay("k", "tok_ok") != made {
		t.Errorf("%+v", made)
	}
}

func TestTheBehaviourChangesWhileItRuns(t *testing.T) {
	s := start(t, provider.Behaviour{SlowAfter: 7 * ms}, nil)
	var b provider.Behaviour
	s.ask("PUT", "/v1/admin/behaviour", "", `{"declineRate":1,"latency":"30ms","latency99":"30ms"}`, 200, &b)
	if want := (provider.Behaviour{SlowAfter: 7 * ms, DeclineRate: 1, Latency: 30 * ms, Latency99: 30 * ms}); b != want {
		t.Errorf("it is %+v, want %+v", b, want)
	}
	began := time.Now()
	if p := s.pay("d", "tok_ok"); p.Status != payments.Declined || p.Reason != "insufficient_funds" || time.Since(began) < 30*time.Millisecond {
		t.Errorf("%+v after %s", p, time.Since(began))
	}
	if err := provider.Behave(t.Context(), s.url, apiKey, map[string]any{"declineRate": 2}); err == nil || !strings.Contains(err.Error(), "from 0 to 1") {
		t.Error(err)
	}
	for _, bad := range []string{`{"declineRate":1.1}`, `{"timeoutRate":-1}`, `{"slowAfter":"-1s"}`, `{"lateAfter":"25h"}`, `{"latency":"2s","latency99":"1s"}`, `{"latency99":"1s"}`} {
		s.ask("PUT", "/v1/admin/behaviour", "", bad, 422, nil)
	}
	s.ask("PUT", "/v1/admin/behaviour", "", `{"latency":"soon"}`, 400, nil)
	s.ask("GET", "/v1/admin/behaviour", "", "", 200, &b)
	if b.DeclineRate != 1 {
		t.Errorf("what was refused changed it: %+v", b)
	}
	s.ask("PUT", "/v1/admin/behaviour", "", `{}`, 200, &b)
	if b != (provider.Behaviour{SlowAfter: 7 * ms}) {
		t.Errorf("it isn't as at the start: %+v", b)
	}
}
