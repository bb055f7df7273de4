package web_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"designkits/shared/browsertest"
)

// Budgets of the map on a machine that does other things as well. What they hold up
// is tried again.
const (
	firstPaint = 3 * time.Second        // of 5,000 seats, from opening the page
	frame      = 16 * time.Millisecond  // of script for 500 seats that change at once
	keyPress   = 100 * time.Millisecond // until what a key did among 5,000 seats is on the screen
	tries      = 5
	busyFor    = time.Minute
)

func TestTheMapOfALargeHall(t *testing.T) {
	s := start(t)
	b := browsertest.Open(t)
	b.Emulate(t, 1440, "light")
	s.put(t, "large", onSale("hall", 50))
	s.put(t, "huge", onSale("stadium", 4))

	t.Run("5,000 seats are painted, and 500 change within a frame", func(t *testing.T) { paints(t, b, s) })
	t.Run("it is zoomed and moved", func(t *testing.T) { moves(t, b) })
	t.Run("5,000 seats are walked through by keyboard, each key within a moment", func(t *testing.T) { walks(t, b, s) })
	t.Run("a stadium is shown by section first", func(t *testing.T) { opensSection(t, b, s) })
	t.Run("the waiting room is gone through, by lottery and by work", func(t *testing.T) { waits(t, b, s) })
	b.CheckConsole(t)
}

func onSale(venue string, most int) string {
	return fmt.Sprintf(`{"name":"A %s on sale","venue":%q,"starts":"2099-01-01T00:00:00Z","onSale":"2020-01-01T00:00:00Z",
		"currency":"EUR","prices":{%s},"perAccount":%d,"holdFor":120,"maxHold":600}`, venue, venue, prices(venue), most)
}

func prices(venue string) string {
	if venue == "hall" {
		return `"1":9800,"2":6900,"3":3900`
	}
	return `"1":14900,"2":8900`
}

func paints(t *testing.T, b *browsertest.Tab, s *scene) {
	within(t, "5,000 seats are drawn", firstPaint, func() float64 {
		s.open(t, b, "large")
		b.Until(t, `document.querySelectorAll("[data-n]").length === 5000`)
		return browsertest.Eval[float64](t, b, `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.getEntriesByName("map drawn")[0].startTime))))`)
	})
	b.ShootScreen(t, "hall")
	b.CheckAccess(t, "#sale")

	// What is drawn is noted: how many seats in a frame, and how long that took.
	b.Do(t, browsertest.Script(`window.drawn = []; new PerformanceObserver((list) => {
		for (const e of list.getEntriesByName("seats changed")) drawn.push([e.detail, e.duration]);
	}).observe({ type: "measure" })`))
	for range 10 {
		s.hold(t, s.fan(t), "large", 50)
	}
	b.Until(t, `document.querySelectorAll("[data-n].held").length === 500`)
	frames := browsertest.Eval[[][2]float64](t, b, `drawn`)
	t.Logf("500 seats held by ten others were drawn so (seats, ms): %.1f", frames)

	// All at once, as after the connection was away: the page connects again and is
	// told 500 changes together.
	change := `(async () => {
		const base = document.querySelector("script[type=module]").src.replace(/app\.js$/, "");
		const [{ HallMap }, { Seats }] = await Promise.all([import(base + "map.js"), import(base + "seats.js")]);
		const get = (path) => fetch("/api/events/large" + path).then((r) => r.json());
		const [event, layout, whole] = await Promise.all([get(""), get("/map"), get("/seats")]);
		const box = document.querySelector("#map-box").cloneNode();
		document.querySelector("#map-box").replaceWith(box);
		const map = new HallMap(box, { point() {}, toggle() {}, open() {}, whole() {} });
		const seats = new Seats(layout);
		seats.whole(whole);
		map.show(event, seats, { picked: new Set(), mine: new Set() });
		await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
		const sold = Array.from({ length: 500 }, (_, i) => 2000 + i);
		performance.clearMeasures("seats changed");
		const began = performance.now();
		map.changed(seats.delta({ version: "x-1", sold }));
		await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
		const painted = performance.now() - began;
		const measure = performance.getEntriesByName("seats changed")[0];
		if (measure.detail < 500 || box.querySelectorAll(".sold").length < 500) throw new Error("not drawn");
		return [measure.duration, painted];
	})()`
	within(t, "the script for 500 seats that change at once ends", frame, func() float64 {
		took := browsertest.Eval[[2]float64](t, b, change)
		t.Logf("500 seats changed at once: %.1f ms of script, on the screen after %.1f ms", took[0], took[1])
		return took[0]
	})
}

// within fails the test when something keeps its budget at none of its tries, of
// which each says how many milliseconds it took: a few, and more for as long as the
// machine may be busy with something else.
func within(t *testing.T, what string, budget time.Duration, try func() float64) {
	t.Helper()
	var all []float64
	for began := time.Now(); len(all) < tries || time.Since(began) < busyFor; {
		took := try()
		all = append(all, took)
		if took <= float64(budget.Milliseconds()) {
			t.Logf("%s within %.1f ms, try %d", what, took, len(all))
			return
		}
	}
	t.Errorf("%s within %.1f ms, want %s", what, all, budget)
}

func moves(t *testing.T, b *browsertest.Tab) {
	scale := `Number(document.querySelector(".map > g").getAttribute("transform").match(/scale\(([\d.]+)\)/)[1])`
	fit := browsertest.Eval[float64](t, b, scale)
	wheel := func(delta int) {
		b.Do(t, browsertest.Script(fmt.Sprintf(`document.querySelector(".map").dispatchEvent(new WheelEvent("wheel", { deltaY: %d, clientX: 500, clientY: 500, cancelable: true, bubbles: true }))`, delta)))
	}
	wheel(-600)
	b.Until(t, fmt.Sprintf(`%s > %f`, scale, 2*fit))
	b.ShootScreen(t, "hall-close")
	wheel(5000)
	b.Until(t, fmt.Sprintf(`Math.abs(%s - %f) < 0.001`, scale, fit))
}

// walks goes through the hall by keys. After each the focus is on a seat that can be
// seen, and whose name says what the API says of it.
func walks(t *testing.T, b *browsertest.Tab, s *scene) {
	s.put(t, "walked", onSale("hall", 50))
	var middle []string
	for seat := range 20 {
		middle = append(middle, fmt.Sprintf(`"parquet-centre/B/%d"`, seat+11))
	}
	s.must(t, "POST", "api/events/walked/holds", s.fan(t), `{"seats":[`+strings.Join(middle, ",")+`]}`, nil)
	s.open(t, b, "walked")
	b.Until(t, `document.querySelectorAll("[data-n]").length === 5000 && document.querySelectorAll("[data-n].held").length === 20`)
	b.Do(t, browsertest.Script(`(async () => {
		const get = (path) => fetch("/api/events/walked" + path).then((r) => r.json());
		const [event, layout, { rows }] = await Promise.all([get(""), get("/map"), get("/seats")]);
		const states = { ".": "available", h: "held by somebody", s: "sold" };
		window.names = [];
		for (const section of layout.sections) section.rows.forEach((row, r) => [...rows[section.id][r]].forEach((state, i) => {
			names[row.first + i] = section.name + ", row " + row.name + ", seat " + (i + 1) + ", €" + event.prices[section.tier] / 100 + ", " + states[state];
		}));
		window.pressed = []; // how long each key took, from when the browser got it to the frame that shows it
		addEventListener("keydown", ({ timeStamp }) => requestAnimationFrame(() => requestAnimationFrame(() => pressed.push(performance.now() - timeStamp))), true);
	})()`))
	b.Until(t, `window.names?.filter(Boolean).length === 5000 && window.pressed !== undefined`)

	type focus struct {
		N             int
		Name, Want    string
		Visible, Ring bool
	}
	look := `(() => {
		const seat = document.activeElement, at = seat.getBoundingClientRect(), map = document.querySelector("#map-box").getBoundingClientRect();
		const middle = { x: at.x + at.width / 2, y: at.y + at.height / 2 };
		return {
			n: Number(seat.dataset?.n ?? -1), name: seat.getAttribute("aria-label") || "", want: names[seat.dataset?.n] || "",
			visible: at.width >= 5 && middle.x > map.left && middle.x < map.right && middle.y > map.top && middle.y < map.bottom,
			ring: seat.matches(":focus-visible") && getComputedStyle(seat).strokeWidth !== getComputedStyle(document.querySelector("[data-n].free:not(:focus)")).strokeWidth,
		};
	})()`
	presses := 0
	tap := func(key string) focus {
		t.Helper()
		presses++
		press(t, b, key)
		b.Until(t, fmt.Sprintf(`pressed.length === %d`, presses))
		f := browsertest.Eval[focus](t, b, look)
		if f.N < 0 || !f.Visible || !f.Ring {
			t.Errorf("after %s the focus can't be seen: %+v", key, f)
		}
		return f
	}
	slowest := func(since int) float64 {
		return browsertest.Eval[float64](t, b, fmt.Sprintf(`Math.max(...pressed.slice(%d))`, since))
	}

	b.Do(t, chromedp.Focus("#zoom-in"), chromedp.KeyEvent("\t"))
	presses++
	b.Until(t, `pressed.length === 1 && document.activeElement.dataset.n !== undefined`)
	seen, states := map[int]bool{}, map[string]bool{}
	keys := []string{"ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "PageDown", "ArrowLeft", "End", "PageDown", "ArrowLeft", "ArrowDown", "ArrowUp", "Home", "ArrowRight"}
	best := slices.Repeat([]float64{math.Inf(1)}, len(keys)) // of each key: a busy machine holds up one or another in every walk
	within(t, "each key of a walk is answered", keyPress, func() float64 {
		for n, key := range keys {
			since := presses
			f := tap(key)
			best[n] = min(best[n], slowest(since))
			if f.Name != f.Want {
				t.Errorf("after %s the focus is on %q, want %q", key, f.Name, f.Want)
			}
			seen[f.N], states[f.Name[strings.LastIndex(f.Name, ", ")+len(", "):]] = true, true
		}
		return slices.Max(best)
	})
	if len(seen) < 10 || !states["available"] || !states["held by somebody"] {
		t.Errorf("the walk has come to %d seats only, of which some are %v", len(seen), states)
	}

	// From there to a free seat, and it is chosen; Enter again takes that back.
	from := presses
	for f := tap("ArrowRight"); !strings.HasSuffix(f.Name, "available"); f = tap("ArrowRight") {
		if presses-from > 500 {
			t.Fatalf("no free seat in the row of %s", f.Name)
		}
	}
	free := browsertest.Eval[focus](t, b, look)
	within(t, "a seat is chosen by Enter", keyPress, func() float64 {
		since := presses
		chosen := tap("Enter")
		if want := strings.TrimSuffix(free.Want, "available") + "chosen by you"; chosen.N != free.N || chosen.Name != want {
			t.Errorf("Enter on %q makes it %q, want %q", free.Name, chosen.Name, want)
		}
		took := slowest(since)
		if !browsertest.Eval[bool](t, b, `document.activeElement.getAttribute("aria-selected") === "true" && document.querySelectorAll("#picked li").length === 1`) {
			t.Error("Enter has chosen nothing")
		}
		if back := tap("Enter"); back.Name != free.Want {
			t.Errorf("Enter on a chosen seat makes it %q, want %q", back.Name, free.Want)
		}
		return took
	})
}

func opensSection(t *testing.T, b *browsertest.Tab, s *scene) {
	s.open(t, b, "huge")
	b.Until(t, `document.querySelectorAll("[data-s]").length === 81`)
	b.ShootScreen(t, "stadium")
	b.CheckAccess(t, "#sale")
	section := `document.querySelector('[data-s][aria-label^="Lower ring 12,"]')`
	s.holdIn(t, s.fan(t), "huge", "lower-12", 4)
	b.Until(t, section+`.getAttribute("aria-label").includes("496 of 500 free")`)

	b.Do(t, browsertest.Script(section+`.focus()`))
	b.Do(t, browsertest.Script(section+`.dispatchEvent(new MouseEvent("click", { bubbles: true }))`))
	b.Until(t, `document.querySelectorAll("[data-n]").length === 500 && document.querySelectorAll("[data-n].held").length === 4`)
	b.ShootScreen(t, "section")
	press(t, b, "Escape")
	b.Until(t, `document.querySelectorAll("[data-s]").length === 81`)

	// Standing room is asked for by number.
	b.Do(t, browsertest.Script(`document.querySelector('[data-s][aria-label^="Pitch"]').dispatchEvent(new MouseEvent("click", { bubbles: true }))`))
	b.Until(t, `document.querySelector("#best-section").value === "pitch"`)
	b.Do(t, browsertest.Click("#best-submit"))
	b.Until(t, `document.querySelectorAll("#held-lines li").length === 2 && document.querySelector("#held-lines").textContent.includes("Pitch, standing, place")`)
	b.Do(t, browsertest.Click("#release"))
}

func waits(t *testing.T, b *browsertest.Tab, s *scene) {
	begins := time.Now().Add(6 * time.Second).UTC().Format(time.RFC3339)
	s.put(t, "queued", fmt.Sprintf(`{"name":"A queue","venue":"theatre","room":true,"starts":"2099-01-01T00:00:00Z","onSale":%q,
		"currency":"EUR","prices":{"1":1000,"2":500},"perAccount":4,"holdFor":60,"maxHold":120}`, begins))
	s.knownToGate(t, "queued")
	show(t, b, s.page+"#/event/queued")
	b.Do(t, chromedp.WaitVisible("#room-submit"))
	b.CheckAccess(t, "html")
	// One that names itself a program has to work.
	b.Do(t, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: "Mozilla/5.0 (X11; Linux x86_64) Playwright"})
		return err
	}))
	b.Do(t, browsertest.Script(`window.gaps = 0; { let last = performance.now(); const look = (now) => { gaps = Math.max(gaps, now - last); last = now; requestAnimationFrame(look); }; requestAnimationFrame(look); }
		new MutationObserver(() => { window.worked ||= !document.querySelector("#work").hidden; window.lottery ||= document.querySelector("#room").dataset.status === "early"; })
			.observe(document.querySelector("#room"), { subtree: true, attributes: true, childList: true })`), browsertest.Click("#room-submit"))
	b.Until(t, `document.querySelector("#room").dataset.status === "early" || !document.querySelector("#sale").hidden`)
	b.ShootScreen(t, "lottery")
	b.Until(t, `!document.querySelector("#sale").hidden && document.querySelectorAll("[data-n]").length === 500`)
	if !browsertest.Eval[bool](t, b, `window.worked === true`) {
		t.Error("no work was asked for")
	}
	t.Logf("lottery seen: %v; the page's longest pause while it worked: %.0f ms", browsertest.Eval[bool](t, b, `window.lottery === true`), browsertest.Eval[float64](t, b, `gaps`))
	b.Do(t, browsertest.Click("#best-submit"), chromedp.WaitVisible("#held"))
}
