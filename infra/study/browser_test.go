package study_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"designkits/infra/backend/catalog"
	"designkits/infra/launch"
	"designkits/infra/topology"
	"designkits/shared/browsertest"
)

// root is the top of the checkout.
const root = "../.."

// kit is the program, built once.
var kit string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "study-test-")
	if err == nil {
		kit = filepath.Join(dir, "kit")
		var out []byte
		if out, err = exec.Command("go", "build", "-o", kit, "../kit").CombinedOutput(); err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the kit:", err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// serve runs `kit study CASE` in a checkout, on ports and with a state folder of
// its own, and returns the page's address and how to call the kit there.
func serve(t *testing.T, checkout, caseName string) (address string, call func(args ...string) *exec.Cmd) {
	t.Helper()
	c, err := topology.Load(checkout, caseName)
	if err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	offset, release, err := launch.FreeOffset(state, catalog.All, []topology.Case{c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	call = func(args ...string) *exec.Cmd {
		cmd := exec.Command(kit, append(args, "--engine", "native", "--state", state, "--port-offset", fmt.Sprint(offset))...)
		cmd.Dir = checkout
		cmd.Stderr = os.Stderr
		return cmd
	}
	study := call("study", caseName)
	out, err := study.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := study.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := study.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := study.Wait(); err != nil {
			t.Errorf("kit study: %v", err)
		}
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, address, found := strings.Cut(lines.Text(), "study page: "); found {
			return address, call
		}
	}
	t.Fatal("kit study ended before it said where its page is")
	return "", nil
}

// open goes to an address of the page and waits until it is complete.
func open(t *testing.T, b *browsertest.Tab, address string) {
	t.Helper()
	b.Do(t, chromedp.Navigate(address), chromedp.WaitReady("#article"))
	b.Until(t, `[...document.querySelectorAll("#article figure.diagram")].every((f) => f.dataset.state)`)
}

func TestThePageOfTheShortener(t *testing.T) {
	address, _ := serve(t, root, "shortener")
	b := browsertest.Open(t)
	b.Emulate(t, 1440, "light")
	open(t, b, address)

	t.Run("every diagram of every design doc can be drawn", func(t *testing.T) { drawsAll(t, b) })
	t.Run("a link to a symbol opens its file with its lines marked", func(t *testing.T) { opensSource(t, b, address) })
	t.Run("a search finds a chapter and goes there", func(t *testing.T) { searches(t, b, address) })
	t.Run("the keyboard goes from chapter to chapter", func(t *testing.T) { steps(t, b, address) })
	t.Run("a slider recalculates the sheet", func(t *testing.T) { slides(t, b, address) })
	t.Run("a law of the sheet is drawn beside what was measured of it", func(t *testing.T) { comparesLaws(t, b, address) })
	t.Run("a case that isn't running can be started", func(t *testing.T) { offersStart(t, b, address) })
	t.Run("fits 1440 px in light", func(t *testing.T) { fits(t, b, address, 1440, "light") })
	t.Run("fits 360 px in dark", func(t *testing.T) { fits(t, b, address, 360, "dark") })
	b.CheckConsole(t)
}

// drawsAll checks the text of every Mermaid block; the doc that is open is
// drawn, too.
func drawsAll(t *testing.T, b *browsertest.Tab) {
	if states := browsertest.Eval[string](t, b, `[...document.querySelectorAll("#article figure.diagram")].map((f) => f.dataset.state + f.querySelector(".drawn").shadowRoot.querySelectorAll(".node").length).join()`); !strings.HasPrefix(states, "drawn") || strings.Contains(states, "failed") || strings.Contains(states, "drawn0") {
		t.Errorf("the diagrams of the open doc are %q", states)
	}
	b.Do(t, browsertest.Click("#article .enlarge"))
	b.Until(t, `document.querySelector("dialog.large .drawn").shadowRoot.querySelector("svg").getBoundingClientRect().width > 2/3*innerWidth`)
	b.CheckAccess(t, "dialog.large")
	b.ShootScreen(t, "large")
	b.Do(t, browsertest.Click("dialog.large button"))
	b.Until(t, `document.querySelector("dialog.large") === null`)
	docs, err := filepath.Glob(filepath.Join(root, "cases", "*", "DESIGN.md"))
	if err != nil || len(docs) == 0 {
		t.Fatalf("design docs: %v, %v", docs, err)
	}
	check := func(text string) string {
		return browsertest.Eval[string](t, b, fmt.Sprintf(`document.querySelector("#drawing").contentWindow.check(%q)`, text))
	}
	blocks := 0
	for _, doc := range docs {
		raw, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range mermaidBlocks(string(raw)) {
			blocks++
			if wrong := check(block.text); wrong != "" {
				t.Errorf("%s:%d: the diagram can't be drawn: %s", strings.TrimPrefix(doc, root+"/"), block.line, wrong)
			}
		}
	}
	if blocks == 0 {
		t.Error("no design doc has a diagram, which can't be")
	}
	if check("flowchart LR\n  a --> --> b") == "" {
		t.Error("a broken diagram was taken for a good one")
	}
}

type block struct {
	line int // of its first line in the doc
	text string
}

func mermaidBlocks(doc string) (blocks []block) {
	var open *block
	for i, line := range strings.Split(doc, "\n") {
		switch {
		case open == nil && strings.TrimSpace(line) == "```mermaid":
			open = &block{line: i + 2}
		case open != nil && strings.TrimSpace(line) == "```":
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	return blocks
}

func opensSource(t *testing.T, b *browsertest.Tab, address string) {
	open(t, b, address)
	b.Do(t, browsertest.Script(`[...document.querySelectorAll("#article a")].find((a) => a.textContent === "Permutation").click()`))
	b.Until(t, `document.querySelector("#panel-source .hl") !== null`)
	marked := browsertest.Eval[string](t, b, `[...document.querySelectorAll("#panel-source .hl .cl")].map((l) => l.textContent).join("")`)
	if !strings.Contains(marked, "type Permutation struct") || !strings.HasPrefix(marked, "//") || strings.Contains(marked, "\nfunc") {
		t.Errorf("marked is not the type with its comment:\n%s", marked)
	}
	if !browsertest.Eval[bool](t, b, `(() => { const r = document.querySelector("#panel-source .hl").getBoundingClientRect(); return r.top > 0 && r.bottom < innerHeight; })()`) {
		t.Errorf("the marked lines are not in sight (see %s)", b.ShootScreen(t, "source"))
	}
	// The address leads there again, and Back to where one was.
	b.Do(t, chromedp.Reload())
	b.Until(t, `document.querySelector("#panel-source .hl") !== null`)
}

func searches(t *testing.T, b *browsertest.Tab, address string) {
	open(t, b, address)
	b.Do(t, chromedp.KeyEvent("/"), chromedp.WaitVisible("#search[open]"), browsertest.Fill("#query", "feistel network"))
	b.Until(t, `document.querySelector("#hits a b")?.textContent === "Codes that are short, unique and not guessable"`)
	b.CheckAccess(t, "#search")
	b.Do(t, chromedp.KeyEvent("\r"))
	b.Until(t, `!document.querySelector("#search").open && location.hash === "#codes-that-are-short-unique-and-not-guessable"`)
	b.Until(t, `document.querySelector('#chapters [aria-current]')?.textContent.startsWith("Codes that are short")`)
	// Another document opens in the page.
	b.Do(t, chromedp.KeyEvent("/"), browsertest.Fill("#query", "add a backend"))
	b.Until(t, `document.querySelector("#hits a b")?.textContent === "Add a backend"`)
	b.Do(t, browsertest.Click("#hits a"))
	b.Until(t, `document.querySelector("#article h1").textContent === "Contributing"`)
	b.Do(t, browsertest.Script(`history.back()`))
	b.Until(t, `document.querySelector("#article h1").textContent === "URL shortener"`)
}

func steps(t *testing.T, b *browsertest.Tab, address string) {
	open(t, b, address)
	for _, want := range []string{"The problem", "Requirements", "Capacity"} {
		b.Do(t, chromedp.KeyEvent("j"))
		b.Until(t, fmt.Sprintf(`document.querySelector("#chapters [aria-current]").textContent === %q`, want))
	}
	b.Do(t, chromedp.KeyEvent("k"))
	b.Until(t, `document.querySelector("#chapters [aria-current]").textContent === "Requirements"`)
}

func slides(t *testing.T, b *browsertest.Tab, address string) {
	open(t, b, address+"?panel=estimate")
	b.UntilWithin(t, 4*time.Minute, `document.querySelectorAll("#effects li").length > 0`) // the lab is built
	before := b.Text(t, `[data-row="redirects at peak"] td:nth-child(2)`)
	b.Do(t, browsertest.Fill(`[data-input="clicks per link"]`, "900"))
	b.Until(t, fmt.Sprintf(`document.querySelector('[data-row="redirects at peak"].moved td:nth-child(2)')?.textContent !== %q`, before))
	b.Until(t, `document.querySelector("#answer").textContent.includes("was")`)
	b.Do(t, browsertest.Click("#reset"))
	b.Until(t, fmt.Sprintf(`document.querySelectorAll(".moved").length === 0 && document.querySelector('[data-row="redirects at peak"] td:nth-child(2)').textContent === %q`, before))
}

func comparesLaws(t *testing.T, b *browsertest.Tab, address string) {
	open(t, b, address+"?panel=estimate")
	b.UntilWithin(t, 4*time.Minute, `document.querySelector(".law") !== null`)
	draws(t, b, ".law", "10,107,93", "141,90,6", "179,38,30") // a line for each exponent
	b.Do(t, browsertest.Script(`document.querySelector(".law").scrollIntoView()`))
	b.ShootScreen(t, "law")
	b.Emulate(t, 390, "dark")
	draws(t, b, ".law", "79,208,181", "227,177,84", "255,143,132")
	b.CheckWidth(t, 390)
	b.Do(t, browsertest.Script(`document.querySelector(".law").scrollIntoView()`))
	b.ShootScreen(t, "law-narrow")
	b.Emulate(t, 1440, "light")
	var file struct {
		Results []struct {
			Name  string
			Value float64
		}
	}
	raw, err := os.ReadFile(filepath.Join(root, "cases", "shortener", "bench", "results.json"))
	if err == nil {
		err = json.Unmarshal(raw, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	points := 0
	for _, r := range file.Results {
		if strings.HasPrefix(r.Name, "hit-ratio-zipf-") {
			points++
			row := browsertest.Eval[string](t, b, fmt.Sprintf(`[...document.querySelectorAll("#panel-estimate details tr")].find((r) => r.textContent.includes(%q))?.textContent ?? ""`, r.Name))
			if want := fmt.Sprintf("%.3g", r.Value); !strings.Contains(row, want) {
				t.Errorf("the row of %s is %q, and %s was measured", r.Name, row, want)
			}
		}
	}
	if points == 0 {
		t.Error("nobody measured a hit ratio, which can't be")
	}
}

func offersStart(t *testing.T, b *browsertest.Tab, address string) {
	open(t, b, address)
	b.Until(t, `document.querySelector("#start") !== null`)
	if text := b.Text(t, "#panel-live"); !strings.Contains(text, "go run ./infra/kit up shortener") {
		t.Errorf("the panel doesn't say what to type: %s", text)
	}
}

// fits looks at the text and every panel at one size in one scheme.
func fits(t *testing.T, b *browsertest.Tab, address string, width int64, scheme string) {
	b.Emulate(t, width, scheme)
	open(t, b, address)
	b.Until(t, `document.querySelector("#start") !== null`)
	b.CheckWidth(t, width)
	b.CheckAccess(t, "body")
	b.ShootScreen(t, "read")
	for _, panel := range []string{"estimate", "benches", "curveballs", "exercises", "source"} {
		b.Do(t, browsertest.Script(fmt.Sprintf(`document.querySelector("#tab-%s").click()`, panel)))
		switch panel {
		case "estimate":
			b.UntilWithin(t, 4*time.Minute, `document.querySelectorAll("#effects li").length > 0`)
		case "source":
			b.Do(t, browsertest.Script(`[...document.querySelectorAll("#article a")].find((a) => a.textContent === "Permutation").click()`))
			b.Until(t, `document.querySelector("#panel-source .hl") !== null`)
		}
		b.Until(t, fmt.Sprintf(`document.querySelector("#panel-%s").textContent.length > 0 && !document.querySelector("#panel-%s .empty")`, panel, panel))
		b.CheckWidth(t, width)
		b.ShootScreen(t, panel)
		b.CheckAccess(t, "#panel-"+panel) // the rest is as it was
	}
}
