package study_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"designkits/shared/browsertest"
)

// toyCheckout is a checkout whose one case has something for every panel.
func toyCheckout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "cases", "toy"), os.DirFS("testdata/toy")); err != nil {
		t.Fatal(err)
	}
	shared, err := filepath.Abs(filepath.Join(root, "shared"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(shared, filepath.Join(dir, "shared")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.work"), []byte("go 1.26.0\n\nuse (\n\t./cases/toy\n\t./shared\n)\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestThePageOfACaseThatRuns(t *testing.T) {
	tap := filepath.Join(t.TempDir(), "closed")
	t.Setenv("TOY_TAP", tap)
	checkout := toyCheckout(t)
	address, call := serve(t, checkout, "toy")
	b := browsertest.Open(t)
	b.Emulate(t, 1440, "dark")
	open(t, b, address)
	t.Cleanup(func() {
		if err := call("down").Run(); err != nil {
			t.Errorf("kit down: %v", err)
		}
	})

	t.Run("wrong use says what to do", func(t *testing.T) { refusesWrongUse(t, call) })
	t.Run("it is started from the page and shown in it", func(t *testing.T) { startsAndShows(t, b) })
	t.Run("benches stand beside their baselines", func(t *testing.T) { comparesBenches(t, b) })
	t.Run("a curveball is drawn as it runs, and a prediction is compared", func(t *testing.T) { predicts(t, b, tap) })
	t.Run("an exercise is begun", func(t *testing.T) { begins(t, b) })
	t.Run("an exercise shows its hints one at a time", func(t *testing.T) { hints(t, b) })
	t.Run("an exercise is checked, and says what is missing until it passes", func(t *testing.T) { checks(t, b, checkout) })
	t.Run("it is stopped from the page", func(t *testing.T) { stops(t, b) })
	t.Run("light or dark is remembered", func(t *testing.T) { remembersTheme(t, b) })
	b.CheckConsole(t)
}

func refusesWrongUse(t *testing.T, call func(args ...string) *exec.Cmd) {
	for name, c := range map[string]struct {
		args []string
		exit int
		says string
	}{
		"a case that isn't":            {[]string{"study", "nothing"}, 2, "there are: toy"},
		"a second page at the address": {[]string{"study", "toy"}, 1, "--port-offset"},
	} {
		var said strings.Builder
		cmd := call(c.args...)
		cmd.Stderr = &said
		_ = cmd.Run() // its exit status is looked at
		if got := cmd.ProcessState.ExitCode(); got != c.exit || !strings.Contains(said.String(), c.says) {
			t.Errorf("%s: exit status %d, want %d: %s", name, got, c.exit, said.String())
		}
	}
}

func startsAndShows(t *testing.T, b *browsertest.Tab) {
	b.Until(t, `document.querySelector("#start") !== null`)
	b.Do(t, browsertest.Click("#start"))
	b.UntilWithin(t, 4*time.Minute, `document.querySelector("#panel-live .lines")?.textContent.includes("[UP] redis") || document.querySelector("#live-page") !== null`)
	b.UntilWithin(t, 4*time.Minute, `document.querySelector("#live-page") !== null && document.querySelector("#parts").textContent === "2 of 2 parts up"`)
	src := browsertest.Eval[string](t, b, `document.querySelector("#live-page").src`)
	awaitFrame(t, b, src)
	b.CheckAccess(t, "#panel-live")
	b.ShootScreen(t, "live")
}

// awaitFrame waits until a frame of the page shows an address: one that refuses
// to be framed, or that nobody answers at, never does.
func awaitFrame(t *testing.T, b *browsertest.Tab, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, time.Minute)
	defer cancel()
	for again := time.Tick(50 * time.Millisecond); ; {
		tree, err := chromedp.Call(ctx, page.GetFrameTree, cdp.Empty{})
		if err != nil {
			t.Fatalf("no frame shows %s: %v (see %s)", address, err, b.ShootScreen(t, "failed"))
		}
		for _, f := range tree.FrameTree.ChildFrames {
			if f.Frame.URL == address && f.Frame.UnreachableURL == "" {
				return
			}
		}
		select {
		case <-again:
		case <-ctx.Done():
		}
	}
}

func comparesBenches(t *testing.T, b *browsertest.Tab) {
	b.Do(t, browsertest.Click("#tab-benches"))
	b.Until(t, `document.querySelectorAll(".compared li").length === 2`)
	widths := browsertest.Eval[string](t, b, `[...document.querySelectorAll(".compared rect")].map((r) => Math.round(r.getAttribute("width"))).join()`)
	if widths != "75,100,100,33" {
		t.Errorf("the bars are %s wide, want 75,100,100,33", widths)
	}
	if row := browsertest.Eval[string](t, b, `[...document.querySelectorAll("#panel-benches tbody tr")].find((r) => r.textContent.startsWith("buckets")).textContent`); !strings.Contains(row, "another · 2025-12-31 · commit fedcba9876") {
		t.Errorf("a row of another machine says %q", row)
	}
	b.CheckAccess(t, "#panel-benches")
	b.ShootScreen(t, "benches")
}

func predicts(t *testing.T, b *browsertest.Tab, tap string) {
	b.Do(t, browsertest.Click("#tab-curveballs"))
	b.UntilWithin(t, 4*time.Minute, `document.querySelector(".question") !== null`) // the lab is built
	b.Do(t, browsertest.Click(".question summary"), chromedp.WaitVisible("#guess-full-bucket"),
		browsertest.Fill("#guess-full-bucket", "3"), browsertest.Fill("#guess-full-bucket-naive", "40"), browsertest.Click(".question .primary"))
	grows(t, b)
	b.CheckAccess(t, "#panel-curveballs")
	b.ShootScreen(t, "running")
	t.Run("a page that is opened meanwhile shows what was measured until then", func(t *testing.T) {
		other := browsertest.Open(t) // and goes away again
		other.Emulate(t, 390, "dark")
		open(t, other, browsertest.Eval[string](t, b, `location.origin + location.pathname + "?panel=curveballs"`))
		grows(t, other)
		other.CheckWidth(t, 390)
		other.ShootScreen(t, "meanwhile")
	})
	if err := os.WriteFile(tap, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	b.UntilWithin(t, time.Minute, `document.querySelector(".report .verdict")?.textContent.trim() === "held"`)
	b.Until(t, fmt.Sprintf(`%s === "pouring 2,pouring 2,rain 2,rain 2"`, strips))
	b.Until(t, `!document.querySelector(".loads [role=status]").textContent.includes("so far")`) // it is drawn a frame later
	if summary := b.Text(t, ".loads [role=status]"); !strings.Contains(summary, "rain: 10 answered, none failed") || !strings.Contains(summary, "pouring: 36 answered, 4 failed") || strings.Contains(summary, "so far") {
		t.Errorf("in the end the summary says %q", summary)
	}
	said := browsertest.Eval[string](t, b, `[...document.querySelectorAll(".prediction")].map((p) => p.textContent).join(" ")`)
	if said != "You said 3 l for spilled; it was 1.5 l: off by 1.5 l, a factor of 2. You said 40 l for spilled, without the lid; it was 40 l: exactly that." {
		t.Errorf("the predictions: %q", said)
	}
	if variants := browsertest.Eval[string](t, b, `[...document.querySelectorAll(".variant h3")].map((v) => v.textContent).join()`); variants != "As it is built,Control: without the lid" {
		t.Errorf("the timeline's variants: %q", variants)
	}
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1440, 390} {
			b.Emulate(t, width, scheme)
			b.CheckWidth(t, width)
			b.Shoot(t, fmt.Sprintf("curveball-%s-%d", scheme, width))
			b.CheckAccess(t, "#panel-curveballs")
			draws(t, b, ".load[data-load=rain]", map[string]string{"light": "10,107,93", "dark": "79,208,181"}[scheme])
		}
	}
	b.Emulate(t, 1440, "dark")
}

// strips are the loads that are drawn, each with its seconds.
const strips = `[...document.querySelectorAll(".load")].map((f) => f.dataset.load + " " + f.dataset.seconds).sort().join()`

// grows waits until both loads are drawn, while one of them still waits for an answer.
func grows(t *testing.T, b *browsertest.Tab) {
	t.Helper()
	b.UntilWithin(t, 4*time.Minute, fmt.Sprintf(`%s === "pouring 2,rain 2"`, strips))
	draws(t, b, ".load[data-load=pouring]", "79,208,181", "255,143,132") // answered and failed, in the dark
	if summary := b.Text(t, ".loads [role=status]"); !strings.Contains(summary, "so far") {
		t.Errorf("in the middle of the run the summary says %q", summary)
	}
	if browsertest.Eval[bool](t, b, `document.querySelector(".report, [data-kind=fault]") !== null`) {
		t.Error("the load ended before its tap was closed")
	}
}

// draws waits until a figure's chart has points in each of the colours, and is no
// wider than its place.
func draws(t *testing.T, b *browsertest.Tab, figure string, colours ...string) {
	t.Helper()
	for _, colour := range colours {
		b.Until(t, fmt.Sprintf(`(() => {
			const canvas = document.querySelector("%s canvas");
			if (!canvas || canvas.getBoundingClientRect().width > canvas.closest("figure").clientWidth) return false;
			const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
			for (let i = 0; i < data.length; i += 4) if (data.subarray(i, i + 3).join() === %q) return true;
			return false;
		})()`, figure, colour))
	}
}

// pressInExercise presses a button of the exercise, once it may be.
func pressInExercise(t *testing.T, b *browsertest.Tab, label string) {
	t.Helper()
	b.Until(t, fmt.Sprintf(`((b) => { const may = b && !b.disabled; if (may) b.click(); return Boolean(may); })([...document.querySelectorAll("#panel-exercises .acts button")].find((b) => b.textContent === %q))`, label))
}

// exerciseIs waits until no command of the exercise runs and its badge says how far it is.
func exerciseIs(t *testing.T, b *browsertest.Tab, state string) {
	t.Helper()
	b.UntilWithin(t, 4*time.Minute, fmt.Sprintf(`document.querySelector("#panel-exercises .badge")?.textContent === %q && !document.querySelector("#panel-exercises .acts button").disabled`, state))
}

func begins(t *testing.T, b *browsertest.Tab) {
	b.Do(t, browsertest.Click("#tab-exercises"))
	exerciseIs(t, b, "new")
	b.Do(t, browsertest.Click("#panel-exercises summary"))
	b.Until(t, `document.querySelector("#panel-exercises .task")?.textContent.includes("Count every drop")`)
	pressInExercise(t, b, "Start")
	exerciseIs(t, b, "started")
	if text := b.Text(t, "#panel-exercises .outcome"); !strings.Contains(text, "exercise start toy/01-count") || !strings.Contains(text, "At the tap.") {
		t.Errorf("it begins with %q", text)
	}
}

func hints(t *testing.T, b *browsertest.Tab) {
	for _, want := range []string{"Hint 1 of 2", "Hint 2 of 2"} {
		pressInExercise(t, b, "Next hint")
		b.Until(t, fmt.Sprintf(`document.querySelector("#panel-exercises .outcome").textContent.includes(%q)`, want))
		exerciseIs(t, b, "started")
	}
	if text := b.Text(t, "#panel-exercises .outcome"); !strings.Contains(text, "Hint 1 of 2") {
		t.Errorf("the first hint is gone: %s", text)
	}
	b.CheckAccess(t, "#panel-exercises")
	b.ShootScreen(t, "exercise")
}

func checks(t *testing.T, b *browsertest.Tab, checkout string) {
	const verdict = `document.querySelector("#panel-exercises .outcome .notice")`
	pressInExercise(t, b, "Check")
	b.UntilWithin(t, 4*time.Minute, verdict+`?.textContent === "It doesn't pass yet."`)
	exerciseIs(t, b, "started")
	if text := b.Text(t, "#panel-exercises .outcome"); !strings.Contains(text, "nobody has counted the drops") || strings.Contains(text, "Hint 1 of 2") {
		t.Errorf("a check that fails says %q", text)
	}
	b.CheckAccess(t, "#panel-exercises")
	b.ShootScreen(t, "checked")
	if err := os.WriteFile(filepath.Join(checkout, "cases", "toy", "drops.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	pressInExercise(t, b, "Check")
	b.UntilWithin(t, 4*time.Minute, verdict+`?.textContent === "It passes."`)
	exerciseIs(t, b, "passed")
	b.Until(t, `document.querySelector("#panel-exercises .lead").textContent.includes("1 of 1 done")`)
}

func stops(t *testing.T, b *browsertest.Tab) {
	b.Do(t, browsertest.Click("#tab-live"))
	address := browsertest.Eval[string](t, b, `document.querySelector("#live-page").src`)
	b.Do(t, browsertest.Click("#panel-live .danger"))
	b.UntilWithin(t, 2*time.Minute, `document.querySelector("#start") !== null && document.querySelector("#panel-live").textContent.includes("isn't running")`)
	if resp, err := http.Get(address); err == nil {
		resp.Body.Close()
		t.Errorf("after Stop the case still answers at %s", address)
	}
}

// remembersTheme is the last: what it leaves in the browser counts for more than what
// the system says.
func remembersTheme(t *testing.T, b *browsertest.Tab) {
	paper := func() string {
		return browsertest.Eval[string](t, b, `getComputedStyle(document.body).backgroundColor`)
	}
	dark := paper()
	b.Do(t, browsertest.Click("#theme"))
	b.Until(t, fmt.Sprintf(`getComputedStyle(document.body).backgroundColor !== %q && document.getAnimations().length === 0`, dark))
	light := paper()
	for _, want := range []string{light, dark, light} {
		b.Do(t, chromedp.Reload(), chromedp.WaitReady("#article"))
		if got := paper(); got != want {
			t.Errorf("after a reload the page is %s, and it was %s", got, want)
		}
		b.Do(t, browsertest.Click("#theme"))
	}
}
