// Package webuitest is what every case tests of its page's files before a browser
// sees them.
package webuitest

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

var inline = regexp.MustCompile(`(?i)<script(?:[^>]*)>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:`)

// NoInline checks that a page has no script or style of its own, which the content
// security policy forbids.
func NoInline(t *testing.T, name, page string) {
	t.Helper()
	if found := inline.FindString(page); found != "" {
		t.Errorf("%s has %q, which the content security policy forbids", name, found)
	}
}

var lookUp = regexp.MustCompile(`byId\("([a-z-]+)"\)`)

// ScriptsFindTheirElements checks that what scripts look for is in a page: one that
// looks for something else would only fail in the browser, and only where that line
// is reached. There must be so many look-ups at least, or byId has another name.
func ScriptsFindTheirElements(t *testing.T, files fs.FS, pages string, least int) {
	t.Helper()
	found := 0
	modules(t, files, func(name, source string) {
		for _, m := range lookUp.FindAllStringSubmatch(source, -1) {
			found++
			if !strings.Contains(pages, `id="`+m[1]+`"`) {
				t.Errorf("%s looks for #%s, which is in no page", name, m[1])
			}
		}
	})
	if found < least {
		t.Errorf("only %d look-ups were found: has byId another name?", found)
	}
}

var imported = regexp.MustCompile(`from "\./([^"]+)"`)

// ModulesImportWhatExists checks the modules' imports, from a case's folder web.
// There must be so many at least.
func ModulesImportWhatExists(t *testing.T, files fs.FS, least int) {
	t.Helper()
	found := 0
	modules(t, files, func(name, source string) {
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
	if found < least {
		t.Errorf("only %d imports were found", found)
	}
}

// modules calls do with each script.
func modules(t *testing.T, files fs.FS, do func(name, source string)) {
	t.Helper()
	names, err := fs.Glob(files, "*.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		source, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		do(name, string(source))
	}
}
