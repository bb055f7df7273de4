package client_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"designkits/cases/tickets/client"
	"designkits/shared/leaktest"
	"designkits/shared/problem"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// What nobody answered is asked again with the same key; a no is a no.
func TestItAsksAgainWithTheSameKey(t *testing.T) {
	for _, test := range []struct {
		status, asked int
		want          string
	}{
		{http.StatusServiceUnavailable, 3, ""}, {http.StatusBadGateway, 3, ""}, {http.StatusConflict, 1, "seats-taken"}, {http.StatusTooManyRequests, 1, "seats-taken"},
	} {
		keys := map[string]int{}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			key := r.Header.Get("Idempotency-Key")
			if keys[key]++; keys[key] < 3 {
				problem.Write(w, problem.Problem{Type: "/problems/seats-taken", Status: test.status})
				return
			}
			_, _ = w.Write([]byte(`{"hold":"h1"}`))
		}))
		c, err := client.New(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		hold, err := c.Hold(t.Context(), "show", "k1", "", client.Wish{})
		switch {
		case test.want == "" && (err != nil || hold.Hold != "h1"):
			t.Errorf("%d: %v", test.status, err)
		case test.want != "" && !client.Is(err, test.want):
			t.Errorf("%d: %v, want %s", test.status, err, test.want)
		}
		if keys["k1"] != test.asked || len(keys) != 1 {
			t.Errorf("%d: asked %v times, want %d with one key", test.status, keys, test.asked)
		}
		c.Close()
		server.Close()
	}
}

func TestAnAddressThatIsNone(t *testing.T) {
	if _, err := client.New("page"); err == nil {
		t.Error("it is taken for an address")
	}
}
