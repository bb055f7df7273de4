package web_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"designkits/shared/browsertest"
)

// comesIn gives back one of the two tickets that were bought, and goes to the door
// with both.
func comesIn(t *testing.T, b *browsertest.Tab, s *scene) {
	show(t, b, s.page+"#/orders")
	b.Until(t, `document.querySelectorAll(".ticket .code svg").length === 2`)
	text := func(n int) string {
		return browsertest.Eval[string](t, b, fmt.Sprintf(`fetch("/api/tickets/" + document.querySelectorAll(".ticket")[%d].dataset.serial + ".txt",
			{ headers: { Authorization: "Bearer " + localStorage.getItem("tickets.session") } }).then((r) => r.text())`, n))
	}
	codes := []string{text(0), text(1)}

	b.Do(t, browsertest.Click(".order-card .danger"), chromedp.WaitVisible("#refund[open]"), browsertest.Click("#refund [type=submit]"))
	b.Until(t, `document.querySelector("#refund-complaint").textContent !== ""`)
	b.Do(t, browsertest.Click("#refund-seats label:nth-child(2) input"), browsertest.Click("#refund [type=submit]"))
	b.Until(t, `document.querySelectorAll(".ticket.spent").length === 1 && document.querySelector("[data-state=done]") !== null`)
	b.Shoot(t, "given-back")

	show(t, b, s.page+"#/door")
	openDoor(t, b, "theatre")
	for _, try := range []struct{ code, verdict string }{
		{codes[0], "good"}, {codes[0], "used"}, {codes[1], "bad"}, {"T1.nonsense", "bad"},
	} {
		if got := scan(t, b, try.code); got != try.verdict {
			t.Errorf("%.20s…: %s (%s), want %s", try.code, got, b.Text(t, "#verdict"), try.verdict)
		}
		if try.verdict == "good" {
			b.Shoot(t, "door-good")
		}
	}
	b.CheckAccess(t, "html")
}

// openDoor gives the door's secret, and chooses the event.
func openDoor(t *testing.T, b *browsertest.Tab, event string) {
	t.Helper()
	b.Do(t, chromedp.WaitVisible("#door-secret"), browsertest.Fill("#door-secret", doorSecret), browsertest.Click("#door-open [type=submit]"),
		chromedp.WaitVisible("#gate-code"), browsertest.Script(fmt.Sprintf(`document.querySelector("#gate-event").value = %q`, event)))
}

// scan types a code, and returns the verdict.
func scan(t *testing.T, b *browsertest.Tab, code string) string {
	t.Helper()
	before := browsertest.Eval[int](t, b, `document.querySelectorAll("#entries li").length`)
	b.Do(t, browsertest.Fill("#gate-code", code), chromedp.Focus("#gate-code"))
	press(t, b, "Enter")
	b.Until(t, fmt.Sprintf(`document.querySelectorAll("#entries li").length === %d`, before+1))
	return browsertest.Eval[string](t, b, `document.querySelector("#verdict").dataset.is`)
}

// namesAnew has a ticket of an event that moves while the page is open, and goes in
// with the one that it gets for it.
func namesAnew(t *testing.T, b *browsertest.Tab, s *scene) {
	s.put(t, "away", `{"name":"Away","venue":"hall","starts":"2099-01-01T00:00:00Z","onSale":"2020-01-01T00:00:00Z",
		"currency":"EUR","prices":{"1":1000,"2":500,"3":100},"perAccount":4,"holdFor":120,"maxHold":120}`)
	show(t, b, s.page+"#/orders")
	b.Until(t, `localStorage.getItem("tickets.session") !== null`)
	fan := browsertest.Eval[string](t, b, `localStorage.getItem("tickets.session")`)
	order := s.buy(t, fan, "away", "parquet-centre/C/10")
	// From here on no script is loaded anew.
	show(t, b, s.page+"#/orders")
	ticket := fmt.Sprintf(`document.querySelector("[data-order=%s] .ticket:not(.revoked) b")?.textContent`, order)
	b.Until(t, ticket+` === "Parquet centre, row C, seat 10"`)
	b.Do(t, browsertest.Script(`location.hash = "#/door"`))
	openDoor(t, b, "away")

	s.must(t, "POST", "api/events/away/move", s.organiser, `{"venue":"theatre"}`, nil)
	s.shown(t, "away", `"venue":"theatre"`)
	if got := scan(t, b, s.code(t, fan, order)); got != "good" || !strings.Contains(b.Text(t, "#verdict"), "Stalls, row ") {
		t.Errorf("%s: %s", got, b.Text(t, "#verdict"))
	}
	b.Do(t, browsertest.Script(`location.hash = "#/orders"`))
	b.Until(t, ticket+`?.startsWith("Stalls, row ")`)
}
