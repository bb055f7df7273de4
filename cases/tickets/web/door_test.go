package web_test

import (
	"fmt"
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

	b.Do(t, chromedp.Click(".order-card .danger"), chromedp.WaitVisible("#refund[open]"), chromedp.Click("#refund [type=submit]"))
	b.Until(t, `document.querySelector("#refund-complaint").textContent !== ""`)
	b.Do(t, chromedp.Click("#refund-seats label:nth-child(2) input"), chromedp.Click("#refund [type=submit]"))
	b.Until(t, `document.querySelectorAll(".ticket.spent").length === 1 && document.querySelector("[data-state=done]") !== null`)
	b.Shoot(t, "given-back")

	show(t, b, s.page+"#/door")
	b.Do(t, chromedp.WaitVisible("#door-secret"), browsertest.Fill("#door-secret", doorSecret), chromedp.Click("#door-open [type=submit]"),
		chromedp.WaitVisible("#gate-code"), browsertest.Script(`document.querySelector("#gate-event").value = "theatre"`))
	for _, try := range []struct{ code, verdict string }{
		{codes[0], "good"}, {codes[0], "used"}, {codes[1], "bad"}, {"T1.nonsense", "bad"},
	} {
		before := browsertest.Eval[int](t, b, `document.querySelectorAll("#entries li").length`)
		b.Do(t, browsertest.Fill("#gate-code", try.code), chromedp.Focus("#gate-code"))
		press(t, b, "Enter")
		b.Until(t, fmt.Sprintf(`document.querySelectorAll("#entries li").length === %d`, before+1))
		if got := browsertest.Eval[string](t, b, `document.querySelector("#verdict").dataset.is`); got != try.verdict {
			t.Errorf("%.20s…: %s (%s), want %s", try.code, got, b.Text(t, "#verdict"), try.verdict)
		}
		if try.verdict == "good" {
			b.Shoot(t, "door-good")
		}
	}
	b.CheckAccess(t, "html")
}
