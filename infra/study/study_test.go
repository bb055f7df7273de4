package study_test

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"designkits/infra/study"
)

// server is the study page of a checkout, for what needs no kit.
func server(t *testing.T, checkout string) *study.Server {
	t.Helper()
	s, err := study.New(checkout, "127.0.0.1:8070", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func ask(s *study.Server, method, address string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, address, strings.NewReader("{}"))
	r.Host = "127.0.0.1:8070"
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestOnlyThisPageMayAskAndChange(t *testing.T) {
	s := server(t, root)
	const jobs = "/api/cases/shortener/jobs"
	for name, c := range map[string]struct {
		method, address string
		header          []string
		status          int
	}{
		"the page":                           {"GET", "/shortener", nil, 200},
		"the page by its other name":         {"GET", "/shortener", []string{"Host", "localhost:8070"}, 307},
		"a name that was made to lead here":  {"GET", "/shortener", []string{"Host", "evil.example:8070"}, 421},
		"another port's name":                {"GET", "/shortener", []string{"Host", "127.0.0.1:8071"}, 421},
		"a link from elsewhere":              {"GET", "/shortener", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 200},
		"a script elsewhere that reads":      {"GET", "/api/doc?path=README.md", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors"}, 403},
		"the live case's script that reads":  {"GET", "/api/doc?path=README.md", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors"}, 403},
		"our script that reads":              {"GET", "/api/doc?path=README.md", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors"}, 200},
		"a form elsewhere that changes":      {"POST", jobs, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 403},
		"the live case's page that changes":  {"POST", jobs, []string{"Sec-Fetch-Site", "same-site"}, 403},
		"an old browser's page that changes": {"POST", jobs, []string{"Origin", "http://127.0.0.1:8080"}, 403},
		"our script that changes nothing":    {"POST", jobs, []string{"Sec-Fetch-Site", "same-origin"}, 400},
		"a case that isn't":                  {"GET", "/nothing", nil, 404},
	} {
		if got := ask(s, c.method, c.address, c.header...); got.Code != c.status {
			t.Errorf("%s: %d, want %d: %.200s", name, got.Code, c.status, got.Body)
		}
	}
	policy := ask(s, "GET", "/shortener").Header().Get("Content-Security-Policy")
	if strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") {
		t.Errorf("the page's policy is %q", policy)
	}
}

// scratch is a small checkout with things in it that must not be shown.
func scratch(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside.txt")
	for path, text := range map[string]string{
		outside: "hunter2",
		filepath.Join(dir, ".kit", "secrets", "x"):                        "hunter2",
		filepath.Join(dir, ".git", "config"):                              "hunter2",
		filepath.Join(dir, "elsewhere", "x.md"):                           "hunter2",
		filepath.Join(dir, "cases", "one", ".env"):                        "hunter2",
		filepath.Join(dir, "cases", "one", "one.go"):                      "package one\n\n// Two is <two>.\nfunc Two() {}\n",
		filepath.Join(dir, "cases", "one", "DESIGN.md"):                   "# One\n\nLook at [Two](one.go), [that](one.go#L1-L2), [us](../../README.md#us), [there](https://example.org/).\n\n<script>alert(1)</script>\n\n## Two\n\nWords of <b>weight</b>.\n\n## Two\n\n[bad](javascript:alert)\n",
		filepath.Join(dir, "README.md"):                                   "# Us\n\nWords about seats and zebras.\n",
		filepath.Join(dir, "cases", "one", "exercises", "a", "README.md"): "# Zebras\n\nDo it.\n",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(dir, "cases", "one", "out.go")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestOnlySourceFilesOfTheCheckoutAreShown(t *testing.T) {
	s := server(t, scratch(t))
	for _, path := range []string{".kit/secrets/x", ".git/config", "cases/../.git/config", "../x", "/etc/passwd", "cases/one/.env",
		"elsewhere/x.md", "cases/one/out.go", "cases//one/one.go", ""} {
		for _, kind := range []string{"source", "doc"} {
			if got := ask(s, "GET", "/api/"+kind+"?path="+path); got.Code < 400 || strings.Contains(got.Body.String(), "hunter2") {
				t.Errorf("%s %s: %d %s", kind, path, got.Code, got.Body)
			}
		}
	}
	if got := ask(s, "GET", "/api/source?path=cases/one"); got.Code != 200 || strings.Contains(got.Body.String(), ".env") {
		t.Errorf("the folder: %d %s", got.Code, got.Body)
	}
}

func TestADocumentIsRenderedWithoutItsHTMLAndWithLinksInThePage(t *testing.T) {
	s := server(t, scratch(t))
	got := ask(s, "GET", "/api/doc?path=cases/one/DESIGN.md")
	var d study.Document
	if err := json.Unmarshal(got.Body.Bytes(), &d); err != nil {
		t.Fatalf("%d %s: %v", got.Code, got.Body, err)
	}
	html := string(d.HTML)
	for _, want := range []string{
		`href="?source=cases%2Fone%2Fone.go&amp;symbol=Two"`,
		`href="?lines=1-2&amp;source=cases%2Fone%2Fone.go"`,
		`href="?doc=README.md#us"`,
		`href="https://example.org/" target="_blank"`,
		`<h2 id="two">`, `<h2 id="two-1">`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("there is no %s in\n%s", want, html)
		}
	}
	for _, no := range []string{"<script", "<b>", "javascript:", "style="} {
		if strings.Contains(html, no) {
			t.Errorf("%s came through:\n%s", no, html)
		}
	}
	if d.Title != "One" || len(d.Chapters) != 2 {
		t.Errorf("title %q, chapters %v", d.Title, d.Chapters)
	}
	got = ask(s, "GET", "/api/source?path=cases/one/one.go&symbol=Two")
	var source study.Source
	if err := json.Unmarshal(got.Body.Bytes(), &source); err != nil || source.Marks == nil || source.Marks.From != 3 || source.Marks.To != 4 {
		t.Errorf("the symbol's lines: %+v, %v", source.Marks, err)
	}
	if strings.Contains(string(source.HTML), "<two>") {
		t.Error("the source is not escaped")
	}
}

func TestSeveralCasesAreAListAndOneIsOpenedAtOnce(t *testing.T) {
	dir := scratch(t)
	s := server(t, dir)
	add := func(name string) {
		t.Helper()
		folder := filepath.Join(dir, "cases", name)
		yaml := "title: The " + name + "\nsummary: <Small>.\npage: http://${p}/\nprocesses:\n  p:\n    port: 9000\n"
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "case.yaml"), []byte(yaml), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	add("one")
	if got := ask(s, "GET", "/"); got.Code != 303 || got.Header().Get("Location") != "/one" {
		t.Errorf("one case: %d %s", got.Code, got.Header().Get("Location"))
	}
	add("two")
	body := ask(s, "GET", "/").Body.String()
	for _, want := range []string{`href="/one"`, "The two", "&lt;Small&gt;"} {
		if !strings.Contains(body, want) {
			t.Errorf("the list has no %s:\n%s", want, body)
		}
	}
	if got := ask(s, "GET", "/two"); got.Code != 200 || !strings.Contains(got.Body.String(), "No design doc yet") {
		t.Errorf("a case without a doc: %d %s", got.Code, got.Body)
	}
}

func TestASearchFindsAllWordsAndHeadingsFirst(t *testing.T) {
	s := server(t, scratch(t))
	for query, want := range map[string][]string{
		"zebras":         {"Zebras", "Us"},
		"seats+ZEBRAS":   {"Us"},
		"zebras+giraffe": {},
		"weight":         {"Two"},
		"":               {},
	} {
		var hits []study.Hit
		got := ask(s, "GET", "/api/search?q="+query)
		if err := json.Unmarshal(got.Body.Bytes(), &hits); err != nil {
			t.Fatalf("%d %s: %v", got.Code, got.Body, err)
		}
		var headings []string
		for _, h := range hits {
			headings = append(headings, h.Heading)
		}
		if strings.Join(headings, ", ") != strings.Join(want, ", ") {
			t.Errorf("%q finds %q, want %q", query, headings, want)
		}
	}
	if got := ask(s, "GET", "/api/search?q="+strings.Repeat("x", 300)); got.Code != 400 {
		t.Errorf("a long search: %d", got.Code)
	}
}
