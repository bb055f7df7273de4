package web_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"designkits/shared/browsertest"
	"designkits/shared/casetest"
	"designkits/shared/leaktest"
	"designkits/shared/rig"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const operatorSecret = "the operator of the tests"

// A scene is the case without its crowd, with the encryption built for the browser.
type scene struct {
	*rig.Case
	t *testing.T
}

func start(t *testing.T) *scene {
	t.Helper()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return &scene{casetest.Start(t, rig.Options{Only: []string{"gateway", "chat", "keys", "media"}, Env: map[string]string{
		"OPERATOR_SECRET": operatorSecret, "ACCOUNTS_AN_HOUR": "1000", "CASSANDRA_TIMEOUT": "10s",
	}}), t}
}

func (s *scene) url(path string) string { return "http://" + s.Addr("gateway-1") + path }

// signUp opens the page of a new device and makes an account.
func (s *scene) signUp(name string) *browsertest.Tab {
	s.t.Helper()
	b := browsertest.Open(s.t)
	b.Emulate(s.t, 1440, "light")
	b.Do(s.t, chromedp.Navigate(s.url("/?as=phone")), chromedp.WaitVisible("#sign-up-name"))
	b.Do(s.t, chromedp.SendKeys("#sign-up-name", name), browsertest.Click("#sign-up button"), chromedp.WaitVisible("#chat"))
	s.connected(b)
	return b
}

func (s *scene) connected(b *browsertest.Tab) {
	s.t.Helper()
	b.Until(s.t, `document.querySelector("#offline").hidden && document.body.dataset.gateway`)
}

// press presses a button as soon as it is there. It is found and pressed at once: the
// page may draw it anew in between.
func (s *scene) press(b *browsertest.Tab, selector string) {
	s.t.Helper()
	b.Until(s.t, fmt.Sprintf(`((button) => { button?.click(); return Boolean(button); })(document.querySelector(%q))`, selector))
}

// say types a message and sends it.
func (s *scene) say(b *browsertest.Tab, text string) {
	s.t.Helper()
	b.Do(s.t, chromedp.SendKeys("#text", text+"\r"))
}

// shows waits until the open conversation has a line with the text, in whatever state.
func (s *scene) shows(b *browsertest.Tab, text string) {
	s.t.Helper()
	b.Until(s.t, fmt.Sprintf(`[...document.querySelectorAll("#lines .line")].some((li) => li.querySelector(".text")?.textContent === %q)`, text))
}

// act presses a button of the menu of a line, which it has once it is known to be sent:
// others may show it before.
func (s *scene) act(b *browsertest.Tab, text, button string) {
	s.t.Helper()
	b.Until(s.t, fmt.Sprintf(`((more) => { more?.click(); return Boolean(more); })([...document.querySelectorAll("#lines .line")].find((li) => li.querySelector(".text")?.textContent === %q)?.querySelector(".more"))`, text))
	b.Do(s.t, browsertest.Script(fmt.Sprintf(`[...document.querySelectorAll("#dialog-body button")].find((b) => b.textContent === %q).click()`, button)))
}

// opens opens a conversation of the list, by its title.
func (s *scene) opens(b *browsertest.Tab, title string) {
	s.t.Helper()
	b.Until(s.t, fmt.Sprintf(`((button) => { button?.click(); return Boolean(button); })([...document.querySelectorAll("#talks button")].find((b) => b.querySelector("b").firstChild.textContent === %q))`, title))
	b.Until(s.t, fmt.Sprintf(`document.querySelector("#title").textContent === %q`, title))
}

// muted waits until nothing can be written in the open conversation, and it says why.
func (s *scene) muted(b *browsertest.Tab, why string) {
	s.t.Helper()
	b.Until(s.t, fmt.Sprintf(`document.querySelector("#compose").hidden && !document.querySelector("#muted").hidden && document.querySelector("#muted").textContent.includes(%q)`, why))
}

// inDetails presses a button of what there is to know of the open conversation.
func (s *scene) inDetails(b *browsertest.Tab, button string) {
	s.t.Helper()
	// What is there to be pressed depends on what has come so far.
	b.Until(s.t, fmt.Sprintf(`(() => {
		document.querySelector("#about").click();
		const button = [...document.querySelectorAll("#dialog-body button")].find((b) => b.textContent === %q);
		button?.click();
		return Boolean(button);
	})()`, button))
}

// offline takes the browser's network away, or gives it back. What is connected already
// stays connected: that ends by what is done to the gateways.
func (s *scene) offline(b *browsertest.Tab, on bool) {
	s.t.Helper()
	rules := []*network.Conditions{}
	if on {
		rules = append(rules, &network.Conditions{Offline: true, DownloadThroughput: -1, UploadThroughput: -1})
	}
	b.Do(s.t, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: rules})
		return err
	}))
}

// times is how many lines of the open conversation have the text.
func (s *scene) times(b *browsertest.Tab, text string) int {
	s.t.Helper()
	return browsertest.Eval[int](s.t, b, fmt.Sprintf(`[...document.querySelectorAll("#lines .line .text")].filter((p) => p.textContent === %q).length`, text))
}

// keys presses keys, wherever the focus is.
func (s *scene) keys(b *browsertest.Tab, keys string) {
	s.t.Helper()
	b.Do(s.t, chromedp.KeyEvent(keys))
}

// tabTo presses Tab, or Shift and Tab, until the element that has the focus is the one:
// an expression says so of it, as "at".
func (s *scene) tabTo(b *browsertest.Tab, is string, with ...chromedp.KeyOption) {
	s.t.Helper()
	const most = 100
	for range most {
		b.Do(s.t, chromedp.KeyEvent(kb.Tab, with...))
		if browsertest.Eval[bool](s.t, b, fmt.Sprintf(`((at) => Boolean(%s))(document.activeElement)`, is)) {
			return
		}
	}
	s.t.Fatalf("%d times Tab don't come to where %s (see %s)", most, is, b.Shoot(s.t, "failed"))
}
