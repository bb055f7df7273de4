package web_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"designkits/shared/browsertest"
)

func open(t *testing.T, b *browsertest.Tab, address string) {
	t.Helper()
	b.Do(t, chromedp.Navigate(address), chromedp.WaitReady("#links"))
	b.Until(t, `localStorage.getItem("shortener.key") !== null`)
}

// follow clicks on a link that opens a new tab, and comes back to the page.
func follow(t *testing.T, b *browsertest.Tab, selector string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, time.Minute)
	defer cancel()
	opened := chromedp.WaitNewTarget(ctx, func(*target.Info) bool { return true })
	if err := chromedp.Do(ctx, browsertest.Click(selector)); err != nil {
		t.Fatalf("click on %s: %v (see %s)", selector, err, b.Shoot(t, "failed"))
	}
	select {
	case <-opened:
	case <-ctx.Done():
		t.Fatalf("a click on %s opens no tab (see %s)", selector, b.Shoot(t, "failed"))
	}
	if _, err := chromedp.Call(ctx, page.BringToFront, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
}

// shorten does what a person does, and returns the short address.
func shorten(t *testing.T, b *browsertest.Tab, target string) string {
	t.Helper()
	before := browsertest.Eval[string](t, b, `document.querySelector("#short")?.href || ""`)
	b.Do(t, browsertest.Fill("#target", ""), chromedp.SendKeys("#target", target), browsertest.Click("#submit"))
	b.Until(t, fmt.Sprintf(`(document.querySelector("#short")?.href || "") !== %q`, before))
	return browsertest.Eval[string](t, b, `document.querySelector("#short").href`)
}
