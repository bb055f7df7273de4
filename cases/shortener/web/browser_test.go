package web_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// agent is a person's: headless Chromium's own would be counted as a bot.
const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"

// A browser is one tab of a headless Chromium that reaches nothing but this
// machine.
type browser struct {
	ctx context.Context

	mu       sync.Mutex
	mistakes []string // what the page's console complained of
	reader   sync.WaitGroup
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // root has none
		chromedp.UserAgent(agent),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	b := &browser{ctx: ctx}
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
				b.mistakes = append(b.mistakes, m.String())
				b.mu.Unlock()
			}
		}
	})
	return b
}

func (b *browser) do(t *testing.T, within time.Duration, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, within)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatalf("%v (see %s)", err, b.shoot(t, "failed"))
	}
}

// eval returns what a JavaScript expression, or a promise, comes to.
func eval[T any](t *testing.T, b *browser, expression string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// script runs JavaScript for what it does.
func script(code string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](code)
}

// fill puts a value into a field, as a paste would.
func fill(selector, value string) chromedp.Action[chromedp.Void] {
	return script(fmt.Sprintf(`{ const field = document.querySelector(%q); field.value = %q; field.dispatchEvent(new Event("input", { bubbles: true })); }`, selector, value))
}

// until waits until an expression is true.
func (b *browser) until(t *testing.T, within time.Duration, expression string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, within)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Poll[chromedp.Void](expression,
		chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(0)))
	if err != nil {
		t.Fatalf("not within %s: %s: %v (see %s)", within, expression, err, b.shoot(t, "failed"))
	}
}

func (b *browser) text(t *testing.T, selector string) string {
	t.Helper()
	return eval[string](t, b, fmt.Sprintf("document.querySelector(%q).textContent", selector))
}

// shoot keeps a picture of the whole page and returns where.
func (b *browser) shoot(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.ArtifactDir(), name+".png")
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Logf("no screenshot: %v", err)
		return ""
	}
	if err := os.WriteFile(path, png, 0o644); err != nil {
		t.Error(err)
	}
	return path
}

func (b *browser) emulate(t *testing.T, width int64, scheme string) {
	t.Helper()
	b.do(t, 10*time.Second, chromedp.EmulateViewport(width, 900),
		chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			return err
		}))
}

func (b *browser) open(t *testing.T, address string) {
	t.Helper()
	b.do(t, 30*time.Second, chromedp.Navigate(address), chromedp.WaitReady("#links"))
	b.until(t, 20*time.Second, `localStorage.getItem("shortener.key") !== null`)
}

// follow clicks on a link that opens a new tab, and comes back to the page.
func (b *browser) follow(t *testing.T, selector string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	opened := chromedp.WaitNewTarget(ctx, func(*target.Info) bool { return true })
	if err := chromedp.Do(ctx, chromedp.Click(selector)); err != nil {
		t.Fatalf("click on %s: %v (see %s)", selector, err, b.shoot(t, "failed"))
	}
	select {
	case <-opened:
	case <-ctx.Done():
		t.Fatalf("a click on %s opens no tab (see %s)", selector, b.shoot(t, "failed"))
	}
	if _, err := chromedp.Call(ctx, page.BringToFront, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
}

// shorten does what a person does, and returns the short address.
func (b *browser) shorten(t *testing.T, target string) string {
	t.Helper()
	before := eval[string](t, b, `document.querySelector("#short")?.href || ""`)
	b.do(t, 10*time.Second, fill("#target", ""), chromedp.SendKeys("#target", target), chromedp.Click("#submit"))
	b.until(t, 10*time.Second, fmt.Sprintf(`(document.querySelector("#short")?.href || "") !== %q`, before))
	return eval[string](t, b, `document.querySelector("#short").href`)
}
