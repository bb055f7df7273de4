package web_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"designkits/shared/browsertest"
)

// hides has bo choose on the page who sees whether bo is there, while ana looks.
func (s *scene) hides(t *testing.T, ana, bo *browsertest.Tab) {
	ana.Until(t, `document.querySelector("#status").textContent === "online"`)
	s.shown(t, bo, "nobody")
	ana.Until(t, `document.querySelector("#status").textContent === ""`)
	s.devices(t, bo)
	bo.Until(t, `document.querySelector("#privacy").value === "nobody"`) // as the server has it
	s.shown(t, bo, "contacts")
	ana.Until(t, `document.querySelector("#status").textContent === "online"`)
}

// devices opens what there is to know of one's own devices.
func (s *scene) devices(t *testing.T, b *browsertest.Tab) {
	t.Helper()
	b.Do(t, browsertest.Script(`document.querySelector("#dialog").close()`), browsertest.Click("#device"))
	b.Until(t, `document.querySelector("#dialog-body .people li") !== null`)
}

func (s *scene) shown(t *testing.T, b *browsertest.Tab, to string) {
	t.Helper()
	s.devices(t, b)
	b.Do(t, browsertest.Script(fmt.Sprintf(`{ const field = document.querySelector("#privacy"); field.value = %q; field.dispatchEvent(new Event("change")); }`, to)))
}

// links has bo link a laptop from the phone's page, and sign it out again.
func (s *scene) links(t *testing.T, ana, bo *browsertest.Tab) {
	s.devices(t, bo)
	s.press(bo, "#dialog-body .choices-row button")
	bo.Until(t, `document.querySelector("#dialog-body p.number").textContent !== ""`)
	bo.CheckAccess(t, "html")
	code := bo.Text(t, "#dialog-body p.number")
	laptop := browsertest.Open(t)
	laptop.Emulate(t, 1440, "light")
	laptop.Do(t, chromedp.Navigate(s.url("/?as=laptop")), chromedp.WaitVisible("#link-code"))
	laptop.Do(t, chromedp.SendKeys("#link-code", code), browsertest.Click("#link button"), chromedp.WaitVisible("#chat"))
	s.connected(laptop)

	// It has what was said, and can't read it; what comes from now on it can.
	s.opens(laptop, "ana")
	laptop.Until(t, `document.querySelector("#lines").textContent.includes("not encrypted for this device: its sender didn't know of it yet")`)
	if s.times(laptop, "out of the tunnel") != 0 {
		t.Error("a device that is new reads what was said before")
	}
	s.say(laptop, "from the laptop")
	s.shows(ana, "from the laptop") // whoever has this knows of the device
	s.shows(bo, "from the laptop")
	s.say(ana, "to both of them")
	s.shows(laptop, "to both of them")

	s.devices(t, bo)
	s.press(bo, "#dialog-body .people .danger")
	bo.Until(t, `document.querySelectorAll("#dialog-body .people li").length === 1`)
	bo.Do(t, browsertest.Script(`document.querySelector("#dialog").close()`))
	s.isOut(t, laptop)
	laptop.CheckAccess(t, "html")
	laptop.ShootScreen(t, "signed-out")
	laptop.Do(t, chromedp.Reload())
	s.isOut(t, laptop)
	s.say(ana, "to the phone alone")
	s.shows(bo, "to the phone alone")
	if s.times(laptop, "to the phone alone") != 0 || browsertest.Eval[bool](t, laptop, `Boolean(document.body.dataset.gateway)`) {
		t.Error("who was signed out is connected")
	}
}

// isOut waits until the page says that its device was signed out, and promises nothing
// any more.
func (s *scene) isOut(t *testing.T, b *browsertest.Tab) {
	t.Helper()
	b.Until(t, `document.querySelector("#trouble").textContent.includes("signed out") && document.querySelector("#offline").hidden`)
}

// accepts has ana take the new keys of bo's phone, which has lost the old ones.
func (s *scene) accepts(t *testing.T, ana, bo *browsertest.Tab) {
	s.reinstall(t, bo)
	s.opens(bo, "ana")
	s.say(bo, "it is me, with new keys")
	s.say(bo, "are you there?")
	ana.Until(t, `[...document.querySelectorAll(".line")].slice(-2).every((li) => li.textContent.includes("the sender's key has changed: compare the safety number, then accept it"))`)
	s.number(t, ana, "bo")
	before := ana.Text(t, "#dialog-body .number")
	ana.Do(t, browsertest.Script(`[...document.querySelectorAll("#dialog-body button")].find((b) => b.textContent.includes("accept")).click()`))
	s.shows(ana, "it is me, with new keys")
	s.shows(ana, "are you there?")
	s.say(ana, "welcome back")
	s.shows(bo, "welcome back")
	s.number(t, ana, "bo")
	s.number(t, bo, "ana")
	if one, other := ana.Text(t, "#dialog-body .number"), bo.Text(t, "#dialog-body .number"); one != other || one == before {
		t.Errorf("the numbers are %q and %q, before it was %q", one, other, before)
	}
}

// number opens the safety number.
func (s *scene) number(t *testing.T, b *browsertest.Tab, with string) {
	t.Helper()
	s.inDetails(b, "Safety number with "+with)
	b.Until(t, `document.querySelector("#dialog-body p.number")`)
}

// reinstall leaves a phone nothing but its name and its token: keys it gets from
// another device, whose account is of no further use.
func (s *scene) reinstall(t *testing.T, b *browsertest.Tab) {
	t.Helper()
	b.Do(t, chromedp.Navigate(s.url("/?as=spare")), chromedp.WaitVisible("#sign-up-name"))
	b.Do(t, chromedp.SendKeys("#sign-up-name", "spare"), browsertest.Click("#sign-up button"), chromedp.WaitVisible("#chat"))
	s.connected(b)
	b.Do(t, chromedp.Navigate(s.url("/operator"))) // no device is open there
	if said := browsertest.Eval[string](t, b, `(async () => {
		const done = (on) => new Promise((resolve, reject) => { on.onsuccess = () => resolve(on.result); on.onerror = () => reject(on.error); });
		const state = async (device) => (await done(indexedDB.open("messaging " + device))).transaction("state", "readwrite").objectStore("state");
		const json = (bytes) => JSON.parse(new TextDecoder().decode(bytes));
		const bytes = (value) => new TextEncoder().encode(JSON.stringify(value));
		const keys = new Map();
		const spare = await state("spare");
		for (const key of await done(spare.getAllKeys())) if (!key.startsWith("chat/")) keys.set(key, await done(spare.get(key)));
		const phone = await state("phone");
		const me = await done(phone.get("chat/me")), self = await done(phone.get("self"));
		keys.set("self", bytes({ ...json(keys.get("self")), address: json(self).address }));
		keys.set("chat/me", bytes({ ...json(me), published: false, connected: "0001-01-01T00:00:00Z" }));
		await done(phone.clear());
		for (const [key, value] of keys) await done(phone.put(value, key));
		return "";
	})().catch((error) => error.message)`); said != "" {
		t.Fatalf("the phone's state: %s", said)
	}
	b.Do(t, chromedp.Navigate(s.url("/?as=phone")), chromedp.WaitVisible("#chat"))
	s.connected(b)
}
