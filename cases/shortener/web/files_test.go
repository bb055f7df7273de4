package web

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"designkits/shared/webui/webuitest"
)

func show(t *testing.T, name string, with any) string {
	t.Helper()
	site, err := New()
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	if err := site.Show(rec, 200, name, with); err != nil {
		t.Fatal(err)
	}
	return rec.Body.String()
}

func TestPagesHaveNoInlineScriptOrStyle(t *testing.T) {
	for name, page := range map[string]string{
		"index.html":   show(t, "index.html", nil),
		"notice.html":  show(t, "notice.html", Notice{Title: "Gone", Detail: "It was here."}),
		"preview.html": show(t, "preview.html", Preview{Short: "http://sho.rt/x", Target: "https://example.org/", Host: "example.org", Created: time.Now()}),
	} {
		webuitest.NoInline(t, name, page)
	}
}

func TestAPreviewNeverRunsAScript(t *testing.T) {
	page := show(t, "preview.html", Preview{Short: "http://sho.rt/x", Target: "javascript:alert(1)", Host: `<b>"`})
	if strings.Contains(page, `href="javascript:`) || strings.Contains(page, "<b>") {
		t.Errorf("the preview is not escaped:\n%s", page)
	}
}

func TestScriptsFindTheirElements(t *testing.T) {
	webuitest.ScriptsFindTheirElements(t, files, show(t, "index.html", nil), 20)
}

func TestModulesImportWhatExists(t *testing.T) { webuitest.ModulesImportWhatExists(t, files, 20) }
