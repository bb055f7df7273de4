package web

import (
	"io"
	"log/slog"
	"net/http/httptest"
	"testing"

	"designkits/shared/webui/webuitest"
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

func TestThePagesHaveNoInlineScriptOrStyle(t *testing.T) { webuitest.NoInline(t, "a page", pages(t)) }

func TestNothingElseIsServed(t *testing.T) {
	for _, path := range []string{"/index.html", "/app.js", "/web.go", "/assets/0/app.js", "/wasm/main.wasm", "/admin"} {
		if status, _ := get(t, path); status != 404 {
			t.Errorf("GET %s: %d, want 404", path, status)
		}
	}
}

func TestScriptsFindTheirElements(t *testing.T) {
	webuitest.ScriptsFindTheirElements(t, files, pages(t), 40)
}

func TestModulesImportWhatExists(t *testing.T) { webuitest.ModulesImportWhatExists(t, files, 20) }
