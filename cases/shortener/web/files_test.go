package web

import (
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
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
	inline := regexp.MustCompile(`(?i)<script(?:[^>]*)>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:`)
	for name, page := range map[string]string{
		"index.html":   show(t, "index.html", nil),
		"notice.html":  show(t, "notice.html", Notice{Title: "Gone", Detail: "It was here."}),
		"preview.html": show(t, "preview.html", Preview{Short: "http://sho.rt/x", Target: "https://example.org/", Host: "example.org", Created: time.Now()}),
	} {
		if found := inline.FindString(page); found != "" {
			t.Errorf("%s has %q, which the content security policy forbids", name, found)
		}
	}
}

func TestAPreviewNeverRunsAScript(t *testing.T) {
	page := show(t, "preview.html", Preview{Short: "http://sho.rt/x", Target: "javascript:alert(1)", Host: `<b>"`})
	if strings.Contains(page, `href="javascript:`) || strings.Contains(page, "<b>") {
		t.Errorf("the preview is not escaped:\n%s", page)
	}
}

// A script that looks for an element which is not in the page would only fail
// in the browser, and only where that line is reached.
func TestScriptsFindTheirElements(t *testing.T) {
	page := show(t, "index.html", nil)
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
			if !strings.Contains(page, `id="`+m[1]+`"`) {
				t.Errorf("%s looks for #%s, which is not in index.html", e.Name(), m[1])
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d look-ups were found: has byId another name?", found)
	}
}

func TestModulesImportWhatExists(t *testing.T) {
	imported := regexp.MustCompile(`from "\./([^"]+)"`)
	entries, err := files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		source, err := os.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range imported.FindAllStringSubmatch(string(source), -1) {
			path := m[1]
			if strings.HasPrefix(path, "ui/") || strings.HasPrefix(path, "vendor/") {
				path = "../../../shared/webui/" + path
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s imports ./%s: %v", e.Name(), m[1], err)
			}
		}
	}
}
