package web_test

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"designkits/shared/browsertest"
	"designkits/shared/testenv"
)

func TestTwoPeopleInTwoBrowsers(t *testing.T) {
	s := start(t)
	ana, bo := s.signUp("ana"), s.signUp("bo")
	ana.Do(t, browsertest.Click("#new-chat"), chromedp.SendKeys("#ask-name", "bo\r"), chromedp.WaitVisible("#thread"))

	t.Run("a text, and how far it has come", func(t *testing.T) {
		s.say(ana, "hello bo")
		bo.Until(t, `document.querySelector("#talks .badge")?.textContent === "1 unread"`)
		ana.Until(t, `document.querySelector(".line.mine")?.dataset.state === "delivered"`)
		s.press(bo, "#talks button")
		s.shows(bo, "hello bo")
		ana.Until(t, `document.querySelector(".line.mine")?.dataset.state === "read"`)
		ana.Until(t, `document.querySelector("#status").textContent === "online"`)
		bo.Do(t, chromedp.SendKeys("#text", "hel"))
		testenv.Eventually(t, time.Minute, "ana sees that bo types", func() bool {
			// It is stored nowhere, and who is catching up at that moment isn't told: bo types on.
			bo.Do(t, browsertest.Script(`document.querySelector("#text").dispatchEvent(new Event("input"))`))
			return browsertest.Eval[bool](t, ana, `document.querySelector("#status").textContent === "bo is typing…"`)
		})
		s.say(bo, "lo ana")
		s.shows(ana, "hello ana")
	})
	t.Run("edit, reaction, answer, deletion", func(t *testing.T) {
		s.act(ana, "hello bo", "Edit")
		ana.Do(t, browsertest.Fill("#text", "hello, Bo"), chromedp.SendKeys("#text", "\r"))
		s.shows(bo, "hello, Bo")
		s.act(bo, "hello, Bo", "👍")
		ana.Until(t, `document.querySelector(".reactions")?.textContent.includes("👍 1")`)
		s.act(bo, "hello, Bo", "Answer")
		s.say(bo, "@ana yes")
		ana.Until(t, `document.querySelector(".quote")?.textContent.includes("hello, Bo") && document.querySelector("mark.me")?.textContent === "@ana"`)
		s.say(ana, "a slip")
		s.shows(bo, "a slip")
		s.act(ana, "a slip", "Delete for everyone")
		bo.Until(t, `!document.querySelector("#lines").textContent.includes("a slip") && document.querySelector("#lines").textContent.includes("was deleted")`)
	})
	t.Run("a picture comes with a thumbnail", func(t *testing.T) {
		ana.Do(t, chromedp.SetUploadFiles("#file", []string{picture(t)}))
		bo.Until(t, `document.querySelector(".attachment img")?.naturalWidth === 240`)
		s.press(bo, ".attachment")
		bo.Until(t, `document.querySelector("img.full")?.naturalWidth === 600`)
		bo.Do(t, browsertest.Script(`document.querySelector("#dialog").close()`))
	})
	t.Run("both see the same safety number", func(t *testing.T) {
		var numbers []string
		for _, b := range []*browsertest.Tab{ana, bo} {
			b.Do(t, browsertest.Click("#about"), browsertest.Script(`[...document.querySelectorAll("#dialog-body button")].find((b) => b.textContent.startsWith("Safety")).click()`))
			b.Until(t, `document.querySelector("#dialog-body .number")`)
			numbers = append(numbers, b.Text(t, "#dialog-body .number"))
			b.CheckAccess(t, "html")
			b.Do(t, browsertest.Script(`document.querySelector("#dialog").close()`))
		}
		if numbers[0] != numbers[1] || len(strings.Fields(numbers[0])) != 12 {
			t.Errorf("%q and %q", numbers[0], numbers[1])
		}
	})
	t.Run("a channel: one writes, the other reads and may leave", func(t *testing.T) {
		ana.Do(t, browsertest.Click("#new-channel"), chromedp.WaitVisible("#ask-title"))
		ana.CheckAccess(t, "html")
		ana.Do(t, chromedp.SendKeys("#ask-title", "Water"), chromedp.SendKeys("#ask-names", "bo\r"))
		ana.Until(t, `document.querySelector("#status").textContent === "channel, readers: 1" && !document.querySelector("#dialog").open`)
		s.say(ana, "the water is off")
		s.opens(bo, "Water")
		s.shows(bo, "the water is off")
		s.muted(bo, "only its admins write")
		bo.Until(t, `!document.querySelector("#lines .more") && document.activeElement.id === "title"`)
		for _, width := range []int64{360, 1440} {
			for _, scheme := range []string{"light", "dark"} {
				bo.Emulate(t, width, scheme)
				bo.Until(t, settled)
				bo.CheckWidth(t, width)
				bo.CheckAccess(t, "html")
				bo.ShootScreen(t, fmt.Sprintf("channel-%d-%s", width, scheme))
			}
		}
		s.inDetails(bo, "Leave the channel")
		s.muted(bo, "aren't in this channel any more")
		ana.Until(t, `document.querySelector("#status").textContent === "channel, readers: 0"`)
		s.inDetails(ana, "Add readers")
		ana.Do(t, chromedp.WaitVisible("#ask-names"), chromedp.SendKeys("#ask-names", "bo\r"))
		s.muted(bo, "only its admins write")
		ana.Until(t, `!document.querySelector("#dialog").open`)
		s.say(ana, "the water is on")
		s.shows(bo, "the water is on")
		s.opens(ana, "bo")
		s.opens(bo, "ana")
	})
	t.Run("the search finds what this device has", func(t *testing.T) {
		ana.Do(t, chromedp.SendKeys("#search", "YES"))
		ana.Until(t, `document.querySelectorAll("#found button").length === 1`)
		ana.Do(t, browsertest.Fill("#search", ""))
	})
	t.Run("without a gateway it says so, and what is written goes out later", func(t *testing.T) {
		for _, gateway := range []string{"gateway-1", "gateway-2"} {
			if err := s.Kill(t.Context(), gateway); err != nil {
				t.Fatal(err)
			}
		}
		s.say(ana, "through the kill")
		s.shows(bo, "through the kill")
	})
	t.Run("without a network it says so, one writes on, and it goes out once", func(t *testing.T) {
		const text = "from the tunnel"
		s.offline(ana, true)
		for _, gateway := range []string{"gateway-1", "gateway-2"} { // what is connected already
			if err := s.Kill(t.Context(), gateway); err != nil {
				t.Fatal(err)
			}
		}
		ana.Until(t, `!document.querySelector("#offline").hidden && document.querySelector("#offline").textContent.startsWith("Not connected. What you write is kept")`)
		ana.CheckAccess(t, "html")
		ana.ShootScreen(t, "offline")
		s.say(ana, text)
		s.shows(ana, text)
		s.connected(bo)
		s.say(bo, "where are you?") // the others have a network
		s.shows(bo, "where are you?")
		bo.Until(t, `[...document.querySelectorAll(".line.mine")].at(-1).dataset.state === "sent"`)
		if state := browsertest.Eval[string](t, ana, `[...document.querySelectorAll(".line.mine")].at(-1).dataset.state`); state != "sending" || s.times(bo, text) != 0 {
			t.Errorf("what was written without a network is %q, and bo shows it %d times", state, s.times(bo, text))
		}
		s.offline(ana, false)
		s.connected(ana)
		s.shows(ana, "where are you?")
		s.shows(bo, text)
		ana.Until(t, `[...document.querySelectorAll(".line.mine")].at(-1).dataset.state === "read"`)
		s.say(ana, "out of the tunnel")
		s.shows(bo, "out of the tunnel") // whatever was sent before it is there as well
		if mine, its := s.times(ana, text), s.times(bo, text); mine != 1 || its != 1 {
			t.Errorf("it stands %d times on the one screen and %d times on the other", mine, its)
		}
	})
	t.Run("by the keyboard alone", func(t *testing.T) {
		back := chromedp.KeyModifiers(chromedp.ModifierShift)
		const itsMenu = `at.className === "more" && at.closest(".line").querySelector(".text")?.textContent === "where are you?"`
		ana.Do(t, chromedp.Reload())
		s.connected(ana)
		ana.Until(t, `document.querySelectorAll("#talks button").length === 2`)
		s.tabTo(ana, `at.closest("#talks") && at.querySelector("b").firstChild.textContent === "bo"`)
		s.keys(ana, kb.Enter)
		ana.Until(t, `document.querySelector("#title").textContent === "bo" && document.activeElement.id === "text"`)
		s.keys(ana, "written with keys"+kb.Enter)
		s.shows(bo, "written with keys")

		s.tabTo(ana, itsMenu, back)
		s.keys(ana, kb.Enter)
		s.tabTo(ana, `at.closest("#dialog") && at.textContent === "Answer"`)
		s.keys(ana, kb.Enter)
		ana.Until(t, `!document.querySelector("#context").hidden && document.activeElement.id === "text"`)
		s.keys(ana, "answered with keys"+kb.Enter)
		bo.Until(t, `[...document.querySelectorAll(".line")].at(-1).querySelector(".quote")?.textContent.includes("where are you?")`)

		s.tabTo(ana, itsMenu, back)
		s.keys(ana, kb.Enter)
		s.tabTo(ana, `at.closest("#dialog") && at.textContent === "❤️"`)
		s.keys(ana, kb.Enter)
		bo.Until(t, `[...document.querySelectorAll(".reactions")].at(-1)?.textContent.includes("❤️ 1")`)
		ana.Until(t, `[...document.querySelectorAll(".reactions")].at(-1)?.textContent.includes("❤️ 1")`)
		if !browsertest.Eval[bool](t, ana, fmt.Sprintf(`((at) => Boolean(%s))(document.activeElement)`, itsMenu)) {
			t.Errorf("after the reaction the focus is at %s", browsertest.Eval[string](t, ana, `document.activeElement.outerHTML.slice(0, 200)`))
		}

		s.tabTo(ana, `at.id === "search"`)
		s.keys(ana, "THROUGH the kill")
		ana.Until(t, `document.querySelectorAll("#found button").length === 1`)
		s.tabTo(ana, `at.closest("#found")`)
		s.keys(ana, kb.Enter)
		ana.Until(t, `document.querySelector("#title").textContent === "bo" && document.activeElement.id === "text"`)
		ana.Do(t, browsertest.Fill("#search", ""))
	})
	t.Run("a reload shows the same, from the browser's own database", func(t *testing.T) {
		before := ana.Text(t, "#lines")
		ana.Do(t, chromedp.Reload())
		s.press(ana, "#talks button")
		s.shows(ana, "through the kill")
		if after := ana.Text(t, "#lines"); len(after) < len(before)-40 {
			t.Errorf("%q after the reload, before %q", after, before)
		}
	})
	t.Run("who sees whether one is there", func(t *testing.T) { s.hides(t, ana, bo) })
	t.Run("a laptop is linked, and signed out", func(t *testing.T) { s.links(t, ana, bo) })
	t.Run("a key that has changed", func(t *testing.T) { s.accepts(t, ana, bo) })
	for _, width := range []int64{360, 1440} {
		for _, scheme := range []string{"light", "dark"} {
			t.Run(fmt.Sprintf("fits %d px in %s", width, scheme), func(t *testing.T) {
				ana.Emulate(t, width, scheme)
				ana.Until(t, settled)
				ana.CheckWidth(t, width)
				ana.CheckAccess(t, "html")
				ana.ShootScreen(t, fmt.Sprintf("chat-%d-%s", width, scheme))
			})
		}
	}
}

// settled says that no colour is on its way to another any more.
const settled = `document.getAnimations().length === 0`

// picture is a file of 600 × 400 pixels.
func picture(t *testing.T) string {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 600, 400))
	for x := range 600 {
		for y := range 400 {
			img.Set(x, y, color.RGBA{uint8(x / 3), uint8(y / 2), 160, 255})
		}
	}
	path := filepath.Join(t.TempDir(), "sunset.png")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
	return path
}

// The page that the kit opens: three devices, set up by themselves.
func TestTwoPeopleSideBySide(t *testing.T) {
	s := start(t)
	b := browsertest.Open(t)
	b.Emulate(t, 360, "light")
	b.Do(t, chromedp.Navigate(s.url("/two")))
	b.UntilWithin(t, 2*time.Minute, `document.body.dataset.ready`)
	if y := browsertest.Eval[float64](t, b, `window.scrollY`); y != 0 {
		t.Errorf("the page has gone %.0f pixels down to one of the devices, by itself", y)
	}
	b.Emulate(t, 1440, "light")
	in := func(frame string) string { return fmt.Sprintf(`document.querySelector("#%s").contentDocument`, frame) }
	b.Do(t, browsertest.Script(fmt.Sprintf(`(() => { const d = %s; d.querySelector("#text").value = "seen on three screens"; d.querySelector("#compose").requestSubmit(); })()`, in("bo-phone"))))
	for _, frame := range []string{"ana-phone", "ana-laptop", "bo-phone"} {
		b.Until(t, in(frame)+`.querySelector("#lines").textContent.includes("seen on three screens")`)
		b.Until(t, in(frame)+`.querySelector("#talks").textContent.includes("Weekend walks")`)
	}
	b.ShootScreen(t, "two-1440")
	for _, width := range []int64{360, 1440} {
		b.Emulate(t, width, "dark")
		b.Until(t, settled)
		b.CheckWidth(t, width)
		b.CheckAccess(t, "html")
		b.ShootScreen(t, fmt.Sprintf("two-%d-dark", width))
	}

	b.CheckConsole(t)

	t.Run("the operator sees them", func(t *testing.T) {
		b.Do(t, chromedp.Navigate(s.url("/operator")), chromedp.SendKeys("#secret", "wrong\r"))
		b.Until(t, `document.querySelector("#secret-complaint").textContent !== ""`)
		b.Do(t, browsertest.Fill("#secret", operatorSecret), chromedp.SendKeys("#secret", "\r"))
		b.Until(t, `document.querySelectorAll("#gateways tr").length === 2 && document.querySelectorAll("#owners li").length === 16 && !document.querySelector('#owners [data-owner="none"]')`)
		for _, width := range []int64{360, 390, 1440} {
			b.Emulate(t, width, "light")
			b.Until(t, settled)
			b.CheckWidth(t, width)
			b.CheckAccess(t, "html")
			b.ShootScreen(t, fmt.Sprintf("operator-%d", width))
		}
	})
}
