package web_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"designkits/shared/browsertest"
	"designkits/shared/casetest"
	"designkits/shared/rig"
)

// The secrets that the tests open the desk and the door with.
const (
	organiserSecret = "the organiser of the tests"
	doorSecret      = "the door of the tests, too"
)

// start runs the whole case.
func start(t *testing.T) *rig.Case {
	t.Helper()
	return casetest.Start(t, rig.Options{Env: map[string]string{
		"ORGANISER_SECRET": organiserSecret, "DOOR_SECRET": doorSecret,
	}})
}

func TestThePageInABrowser(t *testing.T) {
	c := start(t)
	b := browsertest.Open(t)
	b.Emulate(t, 1440, "light")
	b.Do(t, 30*time.Second, chromedp.Navigate(c.Page), chromedp.WaitReady("#program li"))

	t.Run("two seats together are held, paid, and tickets", func(t *testing.T) { buys(t, b, c.Page) })
	for _, width := range []int64{360, 1440} {
		for _, scheme := range []string{"light", "dark"} {
			t.Run(fmt.Sprintf("fits %d px in %s", width, scheme), func(t *testing.T) { fits(t, b, c.Page, width, scheme) })
		}
	}
	b.CheckConsole(t)
}

// open shows an event's map.
func open(t *testing.T, b *browsertest.Tab, page, event string) {
	t.Helper()
	show(t, b, page+"#/event/"+event)
	b.Until(t, 20*time.Second, `document.querySelector("#live").dataset.state === "up" && document.querySelector("#map-box [role]") !== null`)
}

func buys(t *testing.T, b *browsertest.Tab, page string) {
	open(t, b, page, "theatre")
	b.ShootScreen(t, "theatre")
	b.Do(t, 10*time.Second, chromedp.Click("#best-submit"))
	b.Until(t, 10*time.Second, `!document.querySelector("#held").hidden && document.querySelectorAll("#held-lines li").length === 2`)
	b.Until(t, 2*time.Second, `document.querySelectorAll(".seat.mine").length === 2`)
	b.ShootScreen(t, "held")
	b.Do(t, 10*time.Second, chromedp.Click("#pay"))
	b.Until(t, 30*time.Second, `document.querySelectorAll("#order-tickets .code svg").length === 2`)
	b.Until(t, 20*time.Second, `document.querySelector("#order").dataset.state === "done"`)
	b.ShootScreen(t, "tickets")
}

// views are the pages, and what shows that each is complete.
var views = []struct{ name, address, ready string }{
	{"events", "", `document.querySelectorAll("#program .gone").length >= 3`},
	{"theatre", "event/theatre", `document.querySelector("#live").dataset.state === "up" && document.querySelectorAll("[data-n]").length === 500`},
	{"room", "event/stadium", `!document.querySelector("#room").hidden && document.querySelector("#room-figures .figure") !== null`},
	{"orders", "orders", `document.querySelectorAll(".ticket .code svg").length > 0`},
	{"organiser", "organiser", `!document.querySelector("#organiser-open").hidden`},
	{"door", "door", `!document.querySelector("#door-open").hidden`},
}

func fits(t *testing.T, b *browsertest.Tab, page string, width int64, scheme string) {
	b.Emulate(t, width, scheme)
	for _, view := range views {
		show(t, b, page+"#/"+view.address)
		b.Until(t, 20*time.Second, view.ready)
		b.Shoot(t, fmt.Sprintf("%d-%s-%s", width, scheme, view.name))
		b.CheckWidth(t, width)
		b.CheckAccess(t, "html")
	}
}

// show opens a page anew.
func show(t *testing.T, b *browsertest.Tab, address string) {
	t.Helper()
	b.Do(t, 30*time.Second, chromedp.Navigate("about:blank"), chromedp.Navigate(address))
}
