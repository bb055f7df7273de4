package web_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"designkits/shared/browsertest"
	"designkits/shared/casetest"
	"designkits/shared/rig"
)

func TestThePageInABrowser(t *testing.T) {
	c := casetest.Start(t)
	b := browsertest.Open(t)
	b.Emulate(t, 1440, "light")
	open(t, b, c.Page)

	t.Run("shorten, open, and see the click arrive within five seconds", func(t *testing.T) { opensAndSees(t, b) })
	t.Run("bad input gets its sentence at the field", func(t *testing.T) { refuses(t, b) })
	t.Run("a link is edited and deleted", func(t *testing.T) { editsAndDeletes(t, b) })
	t.Run("the keyboard is enough", func(t *testing.T) { usesKeyboard(t, b) })
	t.Run("older links come page by page", func(t *testing.T) { pages(t, b) })
	t.Run("a key that the server has forgotten is replaced", func(t *testing.T) { recoversKey(t, b, c.Page) })
	t.Run("the live stream comes back after its server was killed", func(t *testing.T) { reconnects(t, b, c) })
	for _, width := range []int64{360, 768, 1440} {
		for _, scheme := range []string{"light", "dark"} {
			t.Run(fmt.Sprintf("fits %d px in %s", width, scheme), func(t *testing.T) { fits(t, b, c.Page, width, scheme) })
		}
	}
	t.Run("without a network the page says so, and forgets it after", func(t *testing.T) { goesOffline(t, b) })
	t.Run("what the edge itself refuses is a problem, as from the API", func(t *testing.T) { refusesAtTheEdge(t, c.Page) })
	t.Run("a link that leads nowhere says so on a page", func(t *testing.T) { saysNo(t, b, c.Page) })

	b.CheckConsole(t)
}

func opensAndSees(t *testing.T, b *browsertest.Tab) {
	const limit, tries = 5 * time.Second, 5
	var took time.Duration
	for try := range tries { // a busy machine may hold up a click, but not one after the other
		short := shorten(t, b, fmt.Sprintf("https://www.postgresql.org/docs/15/sql-select.html?try=%d", try))
		b.Until(t, `document.querySelector(".qr")?.naturalWidth > 0`)
		// The stream job may be starting still: until it runs, nothing can arrive.
		b.UntilWithin(t, 4*time.Minute, `document.querySelector('[data-part="flink"]').dataset.state === "up"`)
		b.Until(t, `document.querySelector("#live").dataset.state === "up"`)

		clicked := time.Now()
		follow(t, b, ".made .actions a")
		b.Until(t, `document.querySelector("#total-people").textContent === "1"`)
		took = time.Since(clicked)
		t.Logf("the click on %s was on the page after %d ms", short, took.Milliseconds())
		if took <= limit {
			break
		}
	}
	if took > limit {
		t.Errorf("none of %d clicks was on the page within %s", tries, limit)
	}
	b.Until(t, `document.querySelector("#reading").textContent.includes("1 person") || document.querySelector("#figures .figure")?.textContent === "1"`)
	b.Until(t, `document.querySelector("#by-browser .name")?.textContent === "chrome"`)
	b.Until(t, `document.querySelector('[data-stage="here"] .figure').textContent.includes("after your click")`)
}

func refuses(t *testing.T, b *browsertest.Tab) {
	for _, bad := range []struct{ id, value, says string }{
		{"target", "hello world", "https://"},
		{"target", "http://127.0.0.1/", "address"},
		{"target", "https://me:secret@example.org/", "password"},
		{"alias", "api", "reserved"},
	} {
		b.Do(t,
			browsertest.Script(`document.querySelector("#options").open = true`),
			browsertest.Fill("#target", "https://example.org/"), browsertest.Fill("#alias", ""),
			browsertest.Fill("#"+bad.id, bad.value), browsertest.Click("#submit"))
		b.Until(t, fmt.Sprintf(`document.querySelector("#%s-complaint").textContent.includes(%q)`, bad.id, bad.says))
		if got := browsertest.Eval[string](t, b, fmt.Sprintf(`document.querySelector("#%s").getAttribute("aria-invalid")`, bad.id)); got != "true" {
			t.Errorf("%q: the field is not marked as invalid", bad.value)
		}
		if got := browsertest.Eval[string](t, b, `document.activeElement.id`); got != bad.id {
			t.Errorf("%q: the focus is on %q, not on the field", bad.value, got)
		}
	}
	b.Do(t, browsertest.Fill("#alias", ""), browsertest.Fill("#target", ""))
}

func editsAndDeletes(t *testing.T, b *browsertest.Tab) {
	short := shorten(t, b, "https://www.sqlite.org/lockingv3.html")
	row := `#links li:first-child `
	b.Do(t, browsertest.Click(row+`[aria-label^="Edit"]`), chromedp.WaitVisible("#edit[open]"),
		browsertest.Fill("#edit-target", "nonsense"), browsertest.Click("#edit [type=submit]"))
	b.Until(t, `document.querySelector("#edit-target-complaint").textContent !== ""`)
	b.Do(t, browsertest.Fill("#edit-target", "https://redis.io/commands/eval"), browsertest.Click("#edit [type=submit]"))
	b.Until(t, `!document.querySelector("#edit").open && document.querySelector("#links li:first-child .row-target").textContent === "https://redis.io/commands/eval"`)

	b.Do(t, browsertest.Click(row+`[aria-label^="Delete"]`), chromedp.WaitVisible("#remove[open]"), browsertest.Click("#remove [type=submit]"))
	b.Until(t, fmt.Sprintf(`![...document.querySelectorAll("#links a")].some((a) => a.href === %q)`, short))
}

func usesKeyboard(t *testing.T, b *browsertest.Tab) {
	b.Do(t, browsertest.Script(`document.activeElement.blur(); scrollTo(0, 0)`), chromedp.Focus(".skip"), chromedp.KeyEvent("\t"))
	if got := browsertest.Eval[string](t, b, `document.activeElement.id`); got != "target" {
		t.Fatalf("the first field after the skip link is %q, not the long address", got)
	}
	before := browsertest.Eval[string](t, b, `document.querySelector("#short").href`)
	b.Do(t, chromedp.KeyEvent("docs.python.org/3.11/library/asyncio.html\r"))
	b.Until(t, fmt.Sprintf(`document.querySelector("#short").href !== %q`, before))
	if got := b.Text(t, "#result .leads"); got != "https://docs.python.org/3.11/library/asyncio.html" {
		t.Errorf("the link leads to %q", got)
	}
}

func pages(t *testing.T, b *browsertest.Tab) {
	for i := range 10 {
		shorten(t, b, fmt.Sprintf("https://go.dev/issue/%d", 40000+i))
	}
	b.Do(t, chromedp.Reload(), chromedp.WaitVisible("#older"))
	first := browsertest.Eval[int](t, b, `document.querySelectorAll("#links li").length`)
	b.Do(t, browsertest.Click("#older"))
	b.Until(t, fmt.Sprintf(`document.querySelectorAll("#links li").length > %d`, first))
}

func recoversKey(t *testing.T, b *browsertest.Tab, address string) {
	b.Do(t, browsertest.Script(`localStorage.setItem("shortener.key", "dksl_"+"A".repeat(43))`))
	b.Do(t, chromedp.Navigate(address), chromedp.WaitVisible("#mine-notice"))
	b.Until(t, `!localStorage.getItem("shortener.key").endsWith("AAAA")`)
	shorten(t, b, "https://kubernetes.io/docs/concepts/storage/volumes")
}

func reconnects(t *testing.T, b *browsertest.Tab, c *rig.Case) {
	shorten(t, b, "https://kafka.apache.org/41/javadoc/org/apache/kafka/clients/producer/KafkaProducer.html")
	b.Until(t, `document.querySelector("#live").dataset.state === "up"`)
	if err := c.Kill(t.Context(), "analytics"); err != nil {
		t.Fatal(err)
	}
	b.UntilWithin(t, 2*time.Minute, `document.querySelector("#live").dataset.state === "up" && document.querySelector('[data-part="flink"]').dataset.state === "up"`)
	follow(t, b, ".made .actions a")
	b.Until(t, `document.querySelector("#total-people").textContent === "1"`)
}

func goesOffline(t *testing.T, b *browsertest.Tab) {
	for _, offline := range []bool{true, false} {
		b.Do(t, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
				MatchedNetworkConditions: []*network.Conditions{{Offline: offline, DownloadThroughput: -1, UploadThroughput: -1}},
			})
			return err
		}))
		b.Until(t, fmt.Sprintf(`(document.querySelector("#offline").textContent !== "") === %t`, offline))
	}
}

func fits(t *testing.T, b *browsertest.Tab, address string, width int64, scheme string) {
	b.Emulate(t, width, scheme)
	open(t, b, address)
	b.Until(t, `document.querySelector("#links li") !== null`)
	shift := browsertest.Eval[float64](t, b, `new Promise((done) => { let sum = 0;
		new PerformanceObserver((l) => { for (const e of l.getEntries()) if (!e.hadRecentInput) sum += e.value; }).observe({ type: "layout-shift", buffered: true });
		requestAnimationFrame(() => requestAnimationFrame(() => done(sum))); })`)
	if shift > 0.05 {
		t.Errorf("the layout shifts by %.3f while the page loads", shift)
	}
	shorten(t, b, "https://developer.mozilla.org/docs/Web/API/Canvas_API/A_page_whose_address_is_long_enough_to_need_more_than_one_line_on_a_phone")
	b.Until(t, `document.querySelector(".qr")?.naturalWidth > 0`)
	b.Do(t, browsertest.Script(`document.querySelector("#options").open = true`))
	b.Shoot(t, fmt.Sprintf("%d-%s", width, scheme))

	b.CheckWidth(t, width)
	b.CheckAccess(t, "html")
}

func refusesAtTheEdge(t *testing.T, address string) {
	for _, path := range []string{"%00", "api/links/%00"} {
		res, err := http.Get(address + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), `"type":"/problems/malformed"`) {
			t.Errorf("GET /%s: %d %s, %v, want 400 and a problem", path, res.StatusCode, body, err)
		}
	}
}

func saysNo(t *testing.T, b *browsertest.Tab, address string) {
	res, err := http.Get(address + "no-such-link")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusNotFound || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		t.Errorf("an unknown link: %d %s, want 404 and a page", res.StatusCode, res.Header.Get("Content-Type"))
	}
	b.Do(t, chromedp.Navigate(address+"no-such-link"), chromedp.WaitVisible("h1"))
	b.CheckAccess(t, "html")
	b.Shoot(t, "unknown")
}
