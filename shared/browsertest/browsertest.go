// Package browsertest drives a page in a real headless Chromium, as a person
// would: it opens, clicks, types, looks, and keeps a picture of what went
// wrong. The browser reaches nothing but this machine.
package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"designkits/shared/webui/axe"
)

// agent is a person's: headless Chromium's own would be counted as a bot.
const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"

// patience is given to everything that a test waits for: it is to fail by what never
// happens, and not by a browser that is slow on a busy machine.
const patience = time.Minute

// A Tab is one tab of a browser of its own.
type Tab struct {
	Ctx context.Context // for chromedp's own calls

	mu       sync.Mutex
	mistakes []string
	reader   sync.WaitGroup
}

// Open starts a browser with one tab; it ends with the test.
func Open(t *testing.T) *Tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // root has none
		chromedp.UserAgent(agent),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
		chromedp.WSURLReadTimeout(2*time.Minute), // it is slow to start on a busy machine
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	b := &Tab{Ctx: ctx}
	t.Cleanup(func() {
		cancel()
		stop()
		b.reader.Wait()
	})
	console := chromedp.Console(ctx)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start Chromium, which `apt-get install chromium` brings: %v", err)
	}
	b.reader.Go(func() { // ends with the context
		for m, err := range console {
			if err != nil {
				return
			}
			// A refused request (422, 409) is an error of the network to the
			// browser; the page has shown it to the person.
			if m.IsException() || m.Type == "error" && m.Source != "network" {
				b.mu.Lock()
				b.mistakes = append(b.mistakes, fmt.Sprintf("%s:%d: %s", m.URL, m.Line+1, m))
				b.mu.Unlock()
			}
		}
	})
	return b
}

// CheckConsole fails the test with whatever the page's console complained of.
func (b *Tab) CheckConsole(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.mistakes {
		t.Errorf("the console says: %s", m)
	}
}

// Do does one thing after the other, within a minute.
func (b *Tab) Do(t *testing.T, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatalf("%v (see %s)", err, b.Shoot(t, "failed"))
	}
}

// Eval returns what a JavaScript expression, or a promise, comes to.
func Eval[T any](t *testing.T, b *Tab, expression string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// Script runs JavaScript for what it does.
func Script(code string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](code)
}

// Fill puts a value into a field, as a paste would.
func Fill(selector, value string) chromedp.Action[chromedp.Void] {
	return Script(fmt.Sprintf(`{ const field = document.querySelector(%q); field.value = %q; field.dispatchEvent(new Event("input", { bubbles: true })); }`, selector, value))
}

// Click waits until a person could click on what the selector finds, in sight and
// covered by nothing, and clicks. The browser's own input is not used: now and then
// it doesn't acknowledge a click that it has delivered.
func Click(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Poll[chromedp.Void](fmt.Sprintf(`(() => {
		const found = document.querySelector(%q);
		if (!found || found.disabled) return false;
		found.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
		const [box] = found.getClientRects();
		if (!box) return false;
		const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
		if (!hit || !found.contains(hit) && hit.closest("label")?.control !== found) return false;
		found.focus({ preventScroll: true });
		found.click();
		return true;
	})()`, selector), chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(0))
}

// Until waits until an expression is true, for a minute at most.
func (b *Tab) Until(t *testing.T, expression string) {
	t.Helper()
	b.UntilWithin(t, patience, expression)
}

// UntilWithin is Until for what takes longer, such as a server that starts.
func (b *Tab) UntilWithin(t *testing.T, within time.Duration, expression string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, within)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Poll[chromedp.Void](expression,
		chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(0)))
	if err != nil {
		t.Fatalf("not within %s: %s: %v (see %s)", within, expression, err, b.Shoot(t, "failed"))
	}
}

// Text is that of the first element which the selector finds.
func (b *Tab) Text(t *testing.T, selector string) string {
	t.Helper()
	return Eval[string](t, b, fmt.Sprintf("document.querySelector(%q).textContent", selector))
}

// Shoot keeps a picture of the whole page and returns where.
func (b *Tab) Shoot(t *testing.T, name string) string {
	t.Helper()
	return b.picture(t, name, chromedp.FullScreenshot(100))
}

// ShootScreen is Shoot for what is on the screen.
func (b *Tab) ShootScreen(t *testing.T, name string) string {
	t.Helper()
	return b.picture(t, name, chromedp.CaptureScreenshot())
}

func (b *Tab) picture(t *testing.T, name string, take chromedp.Action[[]byte]) string {
	t.Helper()
	path := filepath.Join(t.ArtifactDir(), name+".png")
	ctx, cancel := context.WithTimeout(b.Ctx, 10*time.Second)
	defer cancel()
	png, err := chromedp.Run(ctx, take)
	if err != nil {
		t.Logf("no screenshot: %v", err)
		return ""
	}
	if err := os.WriteFile(path, png, 0o644); err != nil {
		t.Error(err)
	}
	return path
}

// Emulate sets the screen's width and the system's colours, "light" or "dark".
func (b *Tab) Emulate(t *testing.T, width int64, scheme string) {
	t.Helper()
	b.Do(t, chromedp.EmulateViewport(width, 900),
		chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			return err
		}))
}

// CheckWidth fails the test when the page is wider than the screen.
func (b *Tab) CheckWidth(t *testing.T, width int64) {
	t.Helper()
	if wide := Eval[int64](t, b, `document.documentElement.scrollWidth`); wide > width {
		t.Errorf("the page is %d px wide on a screen of %d px (see %s)", wide, width, b.Shoot(t, "wide"))
	}
}

// violation is one finding of axe-core.
type violation struct {
	ID     string `json:"id"`
	Impact string `json:"impact"`
	Help   string `json:"help"`
	Nodes  []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// CheckAccess runs axe-core on what the selector finds; a serious finding fails
// the test, others are told.
func (b *Tab) CheckAccess(t *testing.T, selector string) {
	t.Helper()
	b.runAxe(t, selector, "")
}

// CheckContrast is CheckAccess for what other colours change: the contrast alone.
func (b *Tab) CheckContrast(t *testing.T, selector string) {
	t.Helper()
	b.runAxe(t, selector, `, runOnly: ["color-contrast"]`)
}

func (b *Tab) runAxe(t *testing.T, selector, options string) {
	t.Helper()
	b.Do(t, Script(axe.Script))
	// Frames are pages of their own.
	found := Eval[string](t, b, fmt.Sprintf(`axe.run(%q, { iframes: false, resultTypes: ["violations"]%s }).then((r) => JSON.stringify(r.violations))`, selector, options))
	var violations []violation
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		t.Fatal(err)
	}
	for _, v := range violations {
		where := ""
		if len(v.Nodes) > 0 {
			where = v.Nodes[0].HTML + ": " + v.Nodes[0].Summary
		}
		if v.Impact == "serious" || v.Impact == "critical" {
			t.Errorf("axe, %s: %s, %s: %s", v.Impact, v.ID, v.Help, where)
		} else {
			t.Logf("axe, %s: %s, %s: %s", v.Impact, v.ID, v.Help, where)
		}
	}
}
