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

func index(t *testing.T) string {
	t.Helper()
	page, err := Handler("", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	page.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	body, err := io.ReadAll(rec.Body)
	if err != nil || rec.Code != 200 {
		t.Fatalf("GET /: %d, %v", rec.Code, err)
	}
	return string(body)
}

// sources calls do with each module of the page.
func sources(t *testing.T, do func(name, source string)) {
	t.Helper()
	entries, err := files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		source, err := os.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(e.Name(), ".js") {
			do(e.Name(), string(source))
		}
	}
}

func TestThePageHasNoInlineScriptOrStyle(t *testing.T) {
	inline := regexp.MustCompile(`(?i)<script(?:[^>]*)>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:`)
	if found := inline.FindString(index(t)); found != "" {
		t.Errorf("the page has %q, which the content security policy forbids", found)
	}
}

func TestNothingElseIsServed(t *testing.T) {
	page, err := Handler("", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/index.html", "/app.js", "/web.go", "/assets/0/app.js", "/admin"} {
		rec := httptest.NewRecorder()
		page.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		if rec.Code != 404 {
			t.Errorf("GET %s: %d, want 404", path, rec.Code)
		}
	}
}

// A script that looks for an element which is not in the page would only fail
// in the browser, and only where that line is reached.
func TestScriptsFindTheirElements(t *testing.T) {
	page := index(t)
	wanted := regexp.MustCompile(`byId\("([a-z-]+)"\)`)
	found := 0
	sources(t, func(name, source string) {
		for _, m := range wanted.FindAllStringSubmatch(source, -1) {
			found++
			if !strings.Contains(page, `id="`+m[1]+`"`) {
				t.Errorf("%s looks for #%s, which is not in the page", name, m[1])
			}
		}
	})
	if found < 60 {
		t.Errorf("only %d look-ups were found: has byId another name?", found)
	}
}

func TestModulesImportWhatExists(t *testing.T) {
	imported := regexp.MustCompile(`from "\./([^"]+)"`)
	found := 0
	sources(t, func(name, source string) {
		for _, m := range imported.FindAllStringSubmatch(source, -1) {
			found++
			path := m[1]
			if strings.HasPrefix(path, "ui/") || strings.HasPrefix(path, "vendor/") {
				path = "../../../shared/webui/" + path
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s imports ./%s: %v", name, m[1], err)
			}
		}
	})
	if found < 30 {
		t.Errorf("only %d imports were found", found)
	}
}
