package provider_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"designkits/cases/tickets"
	adapter "designkits/cases/tickets/adapters/provider"
	"designkits/cases/tickets/payments"
	"designkits/cases/tickets/provider"
	"designkits/shared/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const apiKey = "the seller's key"

// A way is what lies between the client and the provider.
type way func(provider http.Handler) http.Handler

// open returns a client of the provider, over a way that may be nil.
func open(t *testing.T, b provider.Behaviour, over way, cfg adapter.Config) *adapter.Provider {
	t.Helper()
	draining := make(chan struct{})
	p, err := provider.Open(provider.Config{
		Journal: filepath.Join(t.TempDir(), "journal"), Key: apiKey, Behaviour: b, Draining: draining,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	handler := p.Handler()
	if over != nil {
		handler = over(handler)
	}
	server := httptest.NewServer(handler)
	cfg.URL = server.URL + "/"
	if cfg.Key == "" {
		cfg.Key = apiKey
	}
	client, err := adapter.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		close(draining)
		client.Close()
		server.Close()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the provider ended by itself: %v", err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

var charge = payments.Charge{Order: "o 1", Amount: 4200, Currency: "EUR", Source: "tok_ok"}

// authorised makes a payment.
func authorised(t *testing.T, p payments.Provider, key string) payments.Payment {
	t.Helper()
	made, err := p.Authorise(t.Context(), key, charge)
	if err != nil || made.Status != payments.Authorised {
		t.Fatalf("%+v, %v", made, err)
	}
	return made
}

func TestAPaymentGoesThroughAllItsStates(t *testing.T) {
	p := open(t, provider.Behaviour{}, nil, adapter.Config{})
	made := authorised(t, p, "1")
	if made.Order != charge.Order || made.Amount != charge.Amount || made.Version != 1 {
		t.Errorf("%+v", made)
	}
	captured, err := p.Capture(t.Context(), "2", made.ID)
	if err != nil || captured.Status != payments.Captured || captured.Version != 2 {
		t.Errorf("%+v, %v", captured, err)
	}
	part, err := p.Refund(t.Context(), "3", made.ID, 200)
	if err != nil || part.Status != payments.Captured || part.Refunded != 200 {
		t.Errorf("%+v, %v", part, err)
	}
	whole, err := p.Refund(t.Context(), "4", made.ID, 4000)
	if err != nil || whole.Status != payments.Refunded || whole.Refunded != 4200 {
		t.Errorf("%+v, %v", whole, err)
	}
	if now, err := p.Payment(t.Context(), made.ID); err != nil || now != whole {
		t.Errorf("%+v, %v", now, err)
	}
	voided, err := p.Void(t.Context(), "6", authorised(t, p, "5").ID)
	if err != nil || voided.Status != payments.Voided {
		t.Errorf("%+v, %v", voided, err)
	}
	// What costs nothing goes the same way.
	free, err := p.Authorise(t.Context(), "7", payments.Charge{Order: "free", Currency: "EUR", Source: "tok_ok"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = p.Capture(t.Context(), "8", free.ID); err != nil {
		t.Error(err)
	}
	if back, err := p.Refund(t.Context(), "9", free.ID, 0); err != nil || back.Status != payments.Refunded {
		t.Errorf("%+v, %v", back, err)
	}
}

func TestADeclineIsAPayment(t *testing.T) {
	p := open(t, provider.Behaviour{}, nil, adapter.Config{})
	c := charge
	c.Source = "tok_declined"
	if made, err := p.Authorise(t.Context(), "1", c); err != nil || made.Status != payments.Declined || made.Reason == "" {
		t.Errorf("%+v, %v", made, err)
	}
}

func TestErrorsSayThatNothingHasChanged(t *testing.T) {
	p := open(t, provider.Behaviour{}, nil, adapter.Config{})
	made := authorised(t, p, "made")
	negative, other := charge, charge
	negative.Amount, other.Amount = -1, 4201
	call := func(_ payments.Payment, err error) error { return err }
	for name, c := range map[string]struct {
		err  error
		want error
	}{
		"an unknown payment":     {call(p.Payment(t.Context(), "pay_x")), payments.ErrUnknown},
		"capture of an unknown":  {call(p.Capture(t.Context(), "1", "pay_x")), payments.ErrUnknown},
		"a path for a name":      {call(p.Payment(t.Context(), "../admin/behaviour")), payments.ErrUnknown},
		"no name":                {call(p.Void(t.Context(), "1", "")), payments.ErrUnknown},
		"refund before capture":  {call(p.Refund(t.Context(), "2", made.ID, 1)), payments.ErrConflict},
		"another call's key":     {call(p.Capture(t.Context(), "made", made.ID)), payments.ErrConflict},
		"the key of another sum": {call(p.Authorise(t.Context(), "made", other)), payments.ErrConflict},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	var invalid *tickets.Invalid
	if _, err := p.Authorise(t.Context(), "3", negative); !errors.As(err, &invalid) || invalid.Field != "amount" {
		t.Errorf("a negative amount: %v", err)
	}
	if now, err := p.Payment(t.Context(), made.ID); err != nil || now != made {
		t.Errorf("%+v, %v", now, err)
	}
	if _, err := open(t, provider.Behaviour{}, nil, adapter.Config{Key: "another"}).Payment(t.Context(), made.ID); err == nil || !strings.Contains(err.Error(), "PROVIDER_KEY") {
		t.Errorf("with another key: %v", err)
	}
}

// The first answers are lost after they took effect: the connection ends, or it
// is an error of somebody in between.
func TestALostAnswerIsAskedForAgain(t *testing.T) {
	for name, lose := range map[string]http.HandlerFunc{
		"cut":      func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"replaced": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"half": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"id":`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var calls, losses atomic.Int64
			p := open(t, provider.Behaviour{}, func(provider http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if calls.Add(1)%3 == 0 {
						provider.ServeHTTP(w, r)
						return
					}
					losses.Add(1)
					provider.ServeHTTP(httptest.NewRecorder(), r)
					lose(w, r)
				})
			}, adapter.Config{})
			made := authorised(t, p, "1")
			captured, err := p.Capture(t.Context(), "2", made.ID)
			if err != nil || captured.Version != 2 || losses.Load() < 2 {
				t.Errorf("%+v, %v after %d losses", captured, err, losses.Load())
			}
		})
	}
}

func TestACallEndsInTime(t *testing.T) {
	p := open(t, provider.Behaviour{TimeoutRate: 1}, nil, adapter.Config{Timeout: 100 * time.Millisecond, Tries: 2})
	began := time.Now()
	_, err := p.Authorise(t.Context(), "1", charge)
	if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took > 20*time.Second {
		t.Errorf("%v after %s", err, took)
	}
	if errors.Is(err, payments.ErrUnknown) || errors.Is(err, payments.ErrConflict) {
		t.Errorf("nobody knows whether it took effect, but the error says: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began = time.Now()
	if _, err := p.Authorise(ctx, "2", charge); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 20*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

// An answer that isn't the provider's, or is about something else, isn't believed.
func TestWhatIsNotThePaymentIsNotBelieved(t *testing.T) {
	for name, answer := range map[string]string{
		"no JSON":         `<html>welcome to the airport</html>`,
		"no payment":      `{}`,
		"another payment": `{"id":"pay_other","order":"another","amount":4200,"currency":"EUR","status":"authorised","version":1}`,
		"another amount":  `{"id":"pay_1","order":"o 1","amount":1,"currency":"EUR","status":"captured","version":1}`,
	} {
		p := open(t, provider.Behaviour{}, func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
		}, adapter.Config{})
		if got, err := p.Authorise(t.Context(), "1", charge); err == nil {
			t.Errorf("%s: authorised %+v", name, got)
		}
		if name == "another amount" {
			continue // of the right payment
		}
		if got, err := p.Capture(t.Context(), "2", "pay_1"); err == nil {
			t.Errorf("%s: captured %+v", name, got)
		}
	}
}

func TestAnAddressMustBeOne(t *testing.T) {
	for _, address := range []string{"", "127.0.0.1:8135", "nowhere"} {
		if _, err := adapter.Open(adapter.Config{URL: address}); err == nil {
			t.Errorf("%q passes", address)
		}
	}
}
