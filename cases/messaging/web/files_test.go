package web

import (
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, path string) (int, string) {
	t.Helper()
	page, err := Handler(Config{Origins: []string{"http://127.0.0.1:8142"}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	page.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
	body, err := io.ReadAll(rec.Body)
	if err != nil {
		t.Fatal(err)
	}
	return rec.Code, string(body)
}

// pages are all of them, as they are served.
func pages(t *testing.T) (all string) {
	t.Helper()
	for _, path := range []string{"/", "/two", "/operator"} {
		status, body := get(t, path)
		if status != 200 {
			t.Fatalf("GET %s: %d", path, status)
		}
		all += body
	}
	return all
}

func TestThePagesHaveNoInlineScriptOrStyle(t *testing.T) {
	inline := regexp.MustCompile(`(?i)<script(?:[^>]*)>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:`)
	if found := inline.FindString(pages(t)); found != "" {
		t.Errorf("a page has %q, which the content security policy forbids", found)
	}
}

func TestNothingElseIsServed(t *testing.T) {
	for _, path := range []string{"/index.html", "/app.js", "/web.go", "/assets/0/app.js", "/wasm/main.wasm", "/admin"} {
		if status, _ := get(t, path); status != 404 {
			t.Errorf("GET %s: %d, want 404", path, status)
		}
	}
}

// A script that looks for an element which is not in its page would only fail in the
// browser, and only where that line is reached.
func TestScriptsFindTheirElements(t *testing.T) {
	all := pages(t)
	wanted := regexp.MustCompile(`byId\("([a-z-]+)"\)`)
	entries, err := files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".js") {
			continue
		}
		source, err := os.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range wanted.FindAllStringSubmatch(string(source), -1) {
			found++
			if !strings.Contains(all, `id="`+m[1]+`"`) {
				t.Errorf("%s looks for #%s, which is in no page", e.Name(), m[1])
			}
		}
	}
	if found < 40 {
		t.Errorf("%d elements are looked for: the test reads too little", found)
	}
}
