package web_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/postgres"
	"designkits/cases/tickets/venue"
	"designkits/shared/browsertest"
	"designkits/shared/testenv"
)

func TestThePageInABrowser(t *testing.T) {
	s := start(t)
	b := browsertest.Open(t)
	b.Emulate(t, 1440, "light")

	t.Run("two seats together are found, held, paid, and gone for others within a second", func(t *testing.T) { buys(t, b, s) })
	t.Run("seats are chosen by keyboard, and let go", func(t *testing.T) { usesKeyboard(t, b, s) })
	t.Run("what a bank declines is free again", func(t *testing.T) { declined(t, b, s) })
	t.Run("a hold that nobody pays ends, and the page says so", func(t *testing.T) { expires(t, b, s) })
	t.Run("the door lets a ticket in once, and not one that was given back", func(t *testing.T) { comesIn(t, b, s) })
	t.Run("who finds nothing left waits on the list", func(t *testing.T) { waitsOnTheList(t, b, s) })
	t.Run("who waits reads that all is sold", func(t *testing.T) { waitsForNothing(t, b, s) })
	t.Run("the organiser sees the sale", func(t *testing.T) { overlooks(t, b, s) })
	t.Run("the organiser moves an event, and its page shows the other hall", func(t *testing.T) { movesAway(t, b, s) })
	t.Run("who has tickets of an event that has moved reads the seats' new names", func(t *testing.T) { namesAnew(t, b, s) })
	t.Run("what the edge itself refuses is a problem, as from the API", func(t *testing.T) {
		for _, path := range []string{"api/events/%00", "%00"} {
			status, text := s.ask(t, "GET", path, "", "", nil)
			if status != 400 || !strings.Contains(text, `"type":"/problems/malformed"`) {
				t.Errorf("GET /%s: %d %s, want 400 and a problem", path, status, text)
			}
		}
	})
	t.Run("the map says when its stream is away, and catches up", func(t *testing.T) { reconnects(t, b, s) })
	for _, width := range []int64{360, 1440} {
		t.Run(fmt.Sprintf("fits %d px, light and dark", width), func(t *testing.T) { fits(t, b, s, width) })
	}
	b.CheckConsole(t)
}

func buys(t *testing.T, b *browsertest.Tab, s *scene) {
	other := browsertest.Open(t)
	s.open(t, other, "theatre")
	s.open(t, b, "theatre")
	// The other page notes when it shows a seat as held.
	other.Do(t, browsertest.Script(`new MutationObserver(() => {
		if (document.querySelectorAll("[data-n].held").length === 2) window.heldAt ??= Date.now();
	}).observe(document.querySelector("#map-box"), { subtree: true, attributes: true, attributeFilter: ["class"] })`))

	let := false
	within(t, "another browser shows the seats as held", time.Second, func() float64 {
		if let { // what was held at the try before
			b.Do(t, browsertest.Click("#release"))
			for _, page := range []*browsertest.Tab{b, other} {
				page.Until(t, `document.querySelectorAll("[data-n].free").length === 500`)
			}
			b.Until(t, `!document.querySelector("#choose").hidden`)
			other.Do(t, browsertest.Script(`window.heldAt = undefined`))
		}
		let = true
		clicked := browsertest.Eval[float64](t, b, `(document.querySelector("#best-submit").click(), Date.now())`)
		b.Until(t, `document.querySelectorAll("#held-lines li").length === 2 && document.querySelectorAll("[data-n].mine").length === 2`)
		other.Until(t, `window.heldAt !== undefined`)
		return browsertest.Eval[float64](t, other, `window.heldAt`) - clicked
	})
	if apart := browsertest.Eval[int](t, b, `(([a, b]) => b.dataset.n - a.dataset.n)(document.querySelectorAll("[data-n].mine"))`); apart != 1 {
		t.Errorf("the two seats are %d apart", apart)
	}
	b.ShootScreen(t, "held")
	b.CheckAccess(t, "html")
	until := `document.querySelector("#left").textContent`
	before := browsertest.Eval[string](t, b, until)
	b.Until(t, fmt.Sprintf(`%s < %q`, until, before))
	b.Do(t, browsertest.Click("#extend"))
	b.Until(t, fmt.Sprintf(`%s >= %q`, until, before))

	b.Do(t, browsertest.Click("#pay"))
	b.Until(t, `document.querySelectorAll("#order-tickets .code svg").length === 2 && document.querySelector("#order").dataset.state === "done"`)
	b.ShootScreen(t, "tickets")
	b.CheckAccess(t, "html")
	other.Until(t, `document.querySelectorAll("[data-n].sold").length === 2`)
	other.CheckConsole(t)
}

func usesKeyboard(t *testing.T, b *browsertest.Tab, s *scene) {
	s.open(t, b, "theatre")
	b.Do(t, chromedp.Focus("#zoom-in"), chromedp.KeyEvent("\t"))
	here := `document.activeElement.getAttribute("aria-label") || ""`
	if at := browsertest.Eval[string](t, b, here); at != "Stalls, row A, seat 11, €65, sold" {
		t.Fatalf("Tab reaches %q first", at)
	}
	const down, right, end = "ArrowDown", "ArrowRight", "End"
	for _, step := range []struct{ key, to string }{
		{down, "Stalls, row B, seat 11, €65, available"}, {right, "Stalls, row B, seat 12, €65, available"},
		{end, "Stalls, row B, seat 21, €65, available"}, {"Enter", "Stalls, row B, seat 21, €65, chosen by you"},
		{"ArrowLeft", "Stalls, row B, seat 20, €65, available"}, {" ", "Stalls, row B, seat 20, €65, chosen by you"},
	} {
		press(t, b, step.key)
		b.Until(t, fmt.Sprintf(`(%s) === %q`, here, step.to))
	}
	if got := browsertest.Eval[int](t, b, `document.querySelectorAll("[data-n][tabindex='0']").length`); got != 1 {
		t.Errorf("Tab reaches %d seats, want one", got)
	}
	b.Do(t, chromedp.Focus("#hold-picked"))
	press(t, b, "Enter")
	b.Until(t, `!document.querySelector("#held").hidden && document.activeElement.id === "held-title"`)
	b.Do(t, chromedp.Focus("#release"))
	press(t, b, "Enter")
	b.Until(t, `!document.querySelector("#choose").hidden && document.querySelectorAll("[data-n].free").length === 498`)
}

func declined(t *testing.T, b *browsertest.Tab, s *scene) {
	s.open(t, b, "theatre")
	b.Do(t, browsertest.Click("#best-submit"), chromedp.WaitVisible("#pay"), browsertest.Fill("#voucher", "NONE"), browsertest.Click("#pay"))
	b.Until(t, `document.querySelector("#voucher-complaint").textContent.includes("no such voucher") && document.activeElement.id === "voucher"`)
	b.Do(t, browsertest.Fill("#voucher", ""), browsertest.Click(`[value="tok_declined"]`), browsertest.Click("#pay"))
	b.Until(t, `document.querySelector("#order").dataset.state === "cancelled" && document.querySelector("#order-words").textContent.includes("declined")`)
	b.Until(t, `document.querySelectorAll("[data-n].free").length === 498`)
}

func expires(t *testing.T, b *browsertest.Tab, s *scene) {
	s.put(t, "short", `{"name":"Short","venue":"theatre","starts":"2099-01-01T00:00:00Z","onSale":"2020-01-01T00:00:00Z",
		"currency":"EUR","prices":{"1":1000,"2":500},"perAccount":4,"holdFor":10,"maxHold":10}`)
	s.open(t, b, "short")
	b.Do(t, browsertest.Click("#best-submit"), chromedp.WaitVisible("#held"))
	b.Until(t, `!document.querySelector("#choose").hidden && document.querySelector("#choose-complaint").textContent.includes("over")`)
	b.Until(t, `document.querySelectorAll("[data-n].free").length === 500`)
}

func waitsOnTheList(t *testing.T, b *browsertest.Tab, s *scene) {
	s.put(t, "full", `{"name":"Full","venue":"theatre","starts":"2099-01-01T00:00:00Z","onSale":"2020-01-01T00:00:00Z",
		"currency":"EUR","prices":{"1":1000,"2":500},"perAccount":50,"holdFor":120,"maxHold":120}`)
	for range 10 {
		s.hold(t, s.fan(t), "full", 50)
	}
	s.open(t, b, "full")
	b.Do(t, chromedp.WaitVisible("#sold-out"), browsertest.Click("#best-submit"))
	b.Until(t, `document.querySelector("#choose-complaint").textContent.includes("no")`)
	b.Do(t, browsertest.Click("#wait"))
	b.Until(t, `document.querySelector("#wait-words").textContent === "You are number 1 on the list, for 2."`)
	b.ShootScreen(t, "sold-out")

	// Who comes back sees the place, may want fewer seats in it, and may leave.
	behind := s.fan(t)
	s.must(t, "POST", "api/events/full/waitlist", behind, `{"seats":1}`, nil)
	s.open(t, b, "full")
	b.Until(t, `document.querySelector("#wait-words").textContent === "You are number 1 on the list, for 2."`)
	b.CheckAccess(t, "#choose")
	b.Do(t, chromedp.SetValue("#best-count", "1"), browsertest.Click("#wait"))
	b.Until(t, `document.querySelector("#wait-words").textContent === "You are number 1 on the list, for 1."`)
	b.Do(t, chromedp.Focus("#leave-list"))
	press(t, b, "Enter")
	b.Until(t, `document.querySelector("#wait-words").textContent === "You have left the list." && document.querySelector("#leave-list").hidden && document.activeElement.id === "wait"`)
	var standing struct{ Place int }
	if s.must(t, "GET", "api/events/full/waitlist", behind, "", &standing); standing.Place != 1 {
		t.Errorf("the first has left, and the second stands at %d", standing.Place)
	}
}

func waitsForNothing(t *testing.T, b *browsertest.Tab, s *scene) {
	db, err := postgres.Open(t.Context(), postgres.Config{Addr: testenv.Addr(t, "postgres"), Namespace: s.Namespace, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	halls, err := venue.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	everything := tickets.Grant{
		Claim: tickets.Claim{Hold: "h", Event: "gone", Account: "a club", Seats: halls["theatre"].All(), For: time.Minute},
		Until: time.Now().Add(time.Minute), Token: 1,
	}
	if err := db.Sales().Sell(t.Context(), everything, "theirs"); err != nil {
		t.Fatal(err)
	}
	s.put(t, "gone", `{"name":"Gone","venue":"theatre","room":true,"starts":"2099-01-01T00:00:00Z","onSale":"2020-01-01T00:00:00Z",
		"currency":"EUR","prices":{"1":1000,"2":500},"perAccount":4,"holdFor":60,"maxHold":120}`)
	s.knownToGate(t, "gone")
	show(t, b, s.page+"#/event/gone")
	b.Do(t, chromedp.WaitVisible("#room-submit"), browsertest.Click("#room-submit"))
	b.Until(t, `document.querySelector("#room-body").textContent.startsWith("Every seat is sold.") && document.querySelector("#room-figures").textContent.includes("until a seat comes back")`)
	b.ShootScreen(t, "all-sold")
}

func overlooks(t *testing.T, b *browsertest.Tab, s *scene) {
	show(t, b, s.page+"#/organiser")
	b.Do(t, chromedp.WaitVisible("#organiser-secret"), browsertest.Fill("#organiser-secret", "wrong"), browsertest.Click("#organiser-open [type=submit]"))
	b.Until(t, `document.querySelector("#organiser-complaint").textContent !== ""`)
	b.Do(t, browsertest.Fill("#organiser-secret", organiserSecret), browsertest.Click("#organiser-open [type=submit]"))
	b.Until(t, `document.querySelector("#chart canvas") !== null && document.querySelectorAll("#latest tr").length > 0`)
	b.Do(t, browsertest.Script(`document.querySelector("#desk-event").value = "theatre"; document.querySelector("#desk-event").dispatchEvent(new Event("change"))`))
	figure := func(n int) string {
		return fmt.Sprintf(`document.querySelector("#desk-figures div:nth-child(%d) .figure")?.textContent`, n)
	}
	// Two were bought, and one of them given back; another is bought now, and three are held.
	s.buy(t, s.fan(t), "theatre", "stalls/F/1")
	s.hold(t, s.fan(t), "theatre", 3)
	b.Until(t, `["3", "1"].includes(`+figure(4)+`)`) // in the last minute, which the first two may be out of
	for n, want := range map[int]string{1: "2", 2: "3", 3: "€130", 5: "1"} {
		b.Until(t, fmt.Sprintf(`%s === %q`, figure(n), want))
	}
	b.Shoot(t, "organiser")
	b.CheckAccess(t, "html")
}

func movesAway(t *testing.T, b *browsertest.Tab, s *scene) {
	s.put(t, "moved", `{"name":"Moved","venue":"hall","starts":"2099-01-01T00:00:00Z","onSale":"2020-01-01T00:00:00Z",
		"currency":"EUR","prices":{"1":1000,"2":500,"3":100},"perAccount":4,"holdFor":120,"maxHold":120}`)
	other := browsertest.Open(t)
	s.open(t, other, "moved")
	show(t, b, s.page+"#/organiser")
	b.Do(t, chromedp.WaitVisible("#organiser-secret"), browsertest.Fill("#organiser-secret", organiserSecret), browsertest.Click("#organiser-open [type=submit]"))
	b.Until(t, `document.querySelector("#desk-event option[value=moved]") !== null`)
	b.Do(t, browsertest.Script(`document.querySelector("#desk-event").value = "moved"; document.querySelector("#desk-move").open = true`),
		browsertest.Fill("#move-venue", "moon"), browsertest.Click("#move [type=submit]"))
	b.Until(t, `document.querySelector("#move-complaint").textContent.includes("no venue")`)
	b.CheckAccess(t, "html")
	b.Do(t, browsertest.Fill("#move-venue", "theatre"), browsertest.Click("#move [type=submit]"))
	b.Until(t, `document.querySelector("#move-words").textContent.includes("It is in the theatre")`)
	other.Until(t, `document.querySelector("#live")?.dataset.state === "up" && document.querySelectorAll("[data-n]").length === 500`)
}

func reconnects(t *testing.T, b *browsertest.Tab, s *scene) {
	s.put(t, "again", `{"name":"Again","venue":"theatre","starts":"2099-01-01T00:00:00Z","onSale":"2020-01-01T00:00:00Z",
		"currency":"EUR","prices":{"1":1000,"2":500},"perAccount":4,"holdFor":300,"maxHold":300}`)
	s.open(t, b, "again")
	for _, name := range []string{"booking-1", "booking-2"} {
		if err := s.Kill(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	b.Until(t, `!document.querySelector("#away").hidden || document.querySelector("#live").dataset.state === "up"`)
	s.hold(t, s.fan(t), "again", 2)
	b.Until(t, `document.querySelector("#away").hidden && document.querySelector("#live").dataset.state === "up" && document.querySelectorAll("[data-n].held").length === 2`)
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

func fits(t *testing.T, b *browsertest.Tab, s *scene, width int64) {
	for _, view := range views {
		b.Emulate(t, width, "light")
		show(t, b, s.page+"#/"+view.address)
		b.Until(t, view.ready)
		b.Shoot(t, fmt.Sprintf("%d-light-%s", width, view.name))
		b.CheckWidth(t, width)
		b.CheckAccess(t, "html")
		b.Emulate(t, width, "dark")
		b.Until(t, `document.getAnimations().length === 0`) // no colour is on its way to another
		b.Shoot(t, fmt.Sprintf("%d-dark-%s", width, view.name))
		b.CheckWidth(t, width)
		b.CheckContrast(t, "html")
	}
}
