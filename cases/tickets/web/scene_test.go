package web_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"designkits/shared/browsertest"
	"designkits/shared/casetest"
	"designkits/shared/leaktest"
	"designkits/shared/rig"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// The secrets that the tests open the desk and the door with.
const (
	organiserSecret = "the organiser of the tests"
	doorSecret      = "the door of the tests, too"
)

// A scene is the whole case, and what others do while somebody looks at the page.
type scene struct {
	*rig.Case
	page      string
	organiser string // a session
}

func start(t *testing.T) *scene {
	t.Helper()
	t.Cleanup(http.DefaultClient.CloseIdleConnections) // after the case has stopped, which asks Flink
	s := &scene{Case: casetest.Start(t, rig.Options{Env: map[string]string{"ORGANISER_SECRET": organiserSecret, "DOOR_SECRET": doorSecret}})}
	s.page = s.Page
	var session struct{ Token string }
	s.must(t, "POST", "api/session", "", fmt.Sprintf(`{"role":"organiser","secret":%q}`, organiserSecret), &session)
	s.organiser = session.Token
	return s
}

// ask sends a request and returns the status.
func (s *scene) ask(t *testing.T, method, path, session, body string, into any) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.page+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if session != "" {
		req.Header.Set("Authorization", "Bearer "+session)
	}
	req.Header.Set("Idempotency-Key", rand.Text())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if into != nil && resp.StatusCode < 300 {
		if err := json.NewDecoder(bytes.NewReader(text)).Decode(into); err != nil {
			t.Fatalf("%s %s: %s: %v", method, path, text, err)
		}
	}
	return resp.StatusCode, string(text)
}

func (s *scene) must(t *testing.T, method, path, session, body string, into any) {
	t.Helper()
	if status, text := s.ask(t, method, path, session, body, into); status >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
}

// fan is a new session.
func (s *scene) fan(t *testing.T) string {
	t.Helper()
	var session struct{ Token string }
	s.must(t, "POST", "api/session", "", "", &session)
	return session.Token
}

// put opens an event, and returns when both replicas show it.
func (s *scene) put(t *testing.T, event, body string) {
	t.Helper()
	s.must(t, "PUT", "api/events/"+event, s.organiser, body, nil)
	s.shown(t, event, "")
}

// shown returns when what both replicas say of the event has the text in it.
func (s *scene) shown(t *testing.T, event, text string) {
	t.Helper()
	for _, replica := range []string{"booking-1", "booking-2"} {
		testenv.Eventually(t, time.Minute, replica+" shows "+event, func() bool {
			resp, err := http.Get("http://" + s.Addr(replica) + "/api/events/" + event)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return resp.StatusCode == 200 && strings.Contains(string(body), text)
		})
	}
}

// knownToGate returns when the waiting room knows the event.
func (s *scene) knownToGate(t *testing.T, event string) {
	t.Helper()
	fan := s.fan(t)
	testenv.Eventually(t, time.Minute, "the gate knows "+event, func() bool {
		_, text := s.ask(t, "GET", "api/room/"+event, fan, "", nil)
		return strings.Contains(text, "/problems/no-place")
	})
}

// hold holds seats that aren't side by side, anywhere.
func (s *scene) hold(t *testing.T, fan, event string, seats int) {
	t.Helper()
	s.must(t, "POST", "api/events/"+event+"/holds", fan, fmt.Sprintf(`{"best":{"seats":%d,"together":false}}`, seats), nil)
}

// holdIn holds seats of a section.
func (s *scene) holdIn(t *testing.T, fan, event, section string, seats int) {
	t.Helper()
	s.must(t, "POST", "api/events/"+event+"/holds", fan, fmt.Sprintf(`{"best":{"seats":%d,"section":%q}}`, seats, section), nil)
}

// An order is what its fan sees of it.
type order struct {
	ID, State string
	Tickets   []struct {
		Serial  string
		Revoked bool
	}
}

// buy buys a seat, and returns its order when all of it is done.
func (s *scene) buy(t *testing.T, fan, event, seat string) string {
	t.Helper()
	var hold struct{ Hold string }
	s.must(t, "POST", "api/events/"+event+"/holds", fan, fmt.Sprintf(`{"seats":[%q]}`, seat), &hold)
	var o order
	s.must(t, "POST", "api/events/"+event+"/orders", fan, fmt.Sprintf(`{"hold":%q,"source":"tok_ok"}`, hold.Hold), &o)
	testenv.Eventually(t, time.Minute, "order "+o.ID+" is done", func() bool {
		s.must(t, "GET", "api/orders/"+o.ID, fan, "", &o)
		return o.State == "done"
	})
	return o.ID
}

// code is that of an order's one good ticket.
func (s *scene) code(t *testing.T, fan, id string) string {
	t.Helper()
	var o order
	s.must(t, "GET", "api/orders/"+id, fan, "", &o)
	for _, ticket := range o.Tickets {
		if !ticket.Revoked {
			_, code := s.ask(t, "GET", "api/tickets/"+ticket.Serial+".txt", fan, "", nil)
			return code
		}
	}
	t.Fatalf("order %s has no good ticket", id)
	return ""
}

// show opens a page anew.
func show(t *testing.T, b *browsertest.Tab, address string) {
	t.Helper()
	b.Do(t, chromedp.Navigate("about:blank"), chromedp.Navigate(address))
}

// open shows an event's map.
func (s *scene) open(t *testing.T, b *browsertest.Tab, event string) {
	t.Helper()
	show(t, b, s.page+"#/event/"+event)
	b.Until(t, `document.querySelector("#live").dataset.state === "up" && document.querySelector("#map-box [data-n], #map-box [data-s]") !== null`)
}

// press presses a key.
func press(t *testing.T, b *browsertest.Tab, key string) {
	t.Helper()
	keys := map[string]string{
		"ArrowDown": kb.ArrowDown, "ArrowUp": kb.ArrowUp, "PageDown": kb.PageDown, "ArrowRight": kb.ArrowRight, "ArrowLeft": kb.ArrowLeft, "Home": kb.Home, "End": kb.End, "Enter": kb.Enter, "Escape": kb.Escape, " ": " ",
	}
	b.Do(t, chromedp.KeyEvent(keys[key]))
}
