package web

import (
	"io"
	"log/slog"
	"net/http/httptest"
	"testing"

	"designkits/shared/webui/webuitest"
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

func TestThePageHasNoInlineScriptOrStyle(t *testing.T) { webuitest.NoInline(t, "the page", index(t)) }

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

func TestScriptsFindTheirElements(t *testing.T) {
	webuitest.ScriptsFindTheirElements(t, files, index(t), 60)
}

func TestModulesImportWhatExists(t *testing.T) { webuitest.ModulesImportWhatExists(t, files, 30) }
