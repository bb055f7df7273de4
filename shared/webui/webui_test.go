package webui

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func TestManifestNamesEveryFileWithItsChecksumAndLicence(t *testing.T) {
	libraries, err := Libraries()
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, l := range libraries {
		licence := false
		for _, f := range l.Files {
			named[f.File] = true
			content, err := os.ReadFile(f.File)
			if err != nil {
				t.Errorf("%s: %v", l.Name, err)
				continue
			}
			sum := sha256.Sum256(content)
			if got := hex.EncodeToString(sum[:]); got != f.SHA256 {
				t.Errorf("%s has sha256 %s, manifest.json says %s: was it edited by hand?", f.File, got, f.SHA256)
			}
			licence = licence || path.Base(f.File) == "LICENSE" && len(content) > 500
		}
		if !licence {
			t.Errorf("%s %s has no LICENSE text among its files", l.Name, l.Version)
		}
		if l.Package == "" || l.Version == "" || l.Licence == "" || l.Why == "" {
			t.Errorf("%+v: name, package, version, licence and why must be given", l)
		}
		if l.Use != "page" && l.Use != "test" {
			t.Errorf("%s: use is %q, want page or test", l.Name, l.Use)
		}
	}
	for _, root := range []string{"vendor", "axe", "mermaid"} {
		err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && path.Ext(name) != ".go" && !named[name] {
				t.Errorf("%s is not in manifest.json", name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func site(t *testing.T, files fstest.MapFS) *Site {
	t.Helper()
	s, err := New(files)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func get(h http.Handler, address string, header ...string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, address, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Result()
}

func TestAssetsAreKeptForEverAndNewOnesGetANewAddress(t *testing.T) {
	one := site(t, fstest.MapFS{"app.js": {Data: []byte(strings.Repeat("let x = 1;\n", 50))}})
	two := site(t, fstest.MapFS{"app.js": {Data: []byte(strings.Repeat("let x = 2;\n", 50))}})
	address, err := one.asset("app.js")
	if err != nil {
		t.Fatal(err)
	}
	res := get(one, address)
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != 200 || !strings.HasPrefix(string(body), "let x = 1;") {
		t.Fatalf("GET %s: %d %.40q", address, res.StatusCode, body)
	}
	if got := res.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
		t.Errorf("Cache-Control %q", got)
	}
	if got := res.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/javascript") {
		t.Errorf("Content-Type %q: browsers refuse a module of any other type", got)
	}
	res = get(one, address, "Accept-Encoding", "gzip")
	z, err := gzip.NewReader(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if unpacked, _ := io.ReadAll(z); string(unpacked) != string(body) {
		t.Error("the packed file differs from the plain one")
	}
	res = get(two, address)
	if res.StatusCode != 404 || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("an address of another version: %d, Cache-Control %q; want 404 and no-store",
			res.StatusCode, res.Header.Get("Cache-Control"))
	}
}

func TestPagesAreRenderedEscapedAndForbidInlineScript(t *testing.T) {
	s := site(t, fstest.MapFS{
		"index.html": {Data: []byte(`<link href="{{asset "ui/base.css"}}"><p>{{.Name}}</p>`)},
		"wrong.html": {Data: []byte(`{{asset "absent.css"}}`)},
	})
	rec := httptest.NewRecorder()
	if err := s.Show(rec, http.StatusGone, "index.html", map[string]string{"Name": "<script>"}); err != nil {
		t.Fatal(err)
	}
	body := rec.Body.String()
	if rec.Code != http.StatusGone || !strings.Contains(body, "&lt;script&gt;") || !strings.Contains(body, s.prefix+"ui/base.css") {
		t.Errorf("%d %s", rec.Code, body)
	}
	if got := rec.Header().Get("Content-Security-Policy"); got != Policy {
		t.Errorf("Content-Security-Policy %q", got)
	}
	rec = httptest.NewRecorder()
	if err := s.Show(rec, 200, "wrong.html", nil); err == nil || rec.Code != 500 {
		t.Errorf("a page that names an absent file: %d, %v; want 500 and an error", rec.Code, err)
	}
}

func TestACaseCannotReplaceASharedFile(t *testing.T) {
	if _, err := New(fstest.MapFS{"ui/base.css": {Data: []byte("x")}}); err == nil {
		t.Error("no error")
	}
}

// What a module imports or a stylesheet loads must exist: a browser would only
// say so in its console.
func TestSharedFilesFindEachOther(t *testing.T) {
	reference := regexp.MustCompile(`(?:from|import|import\()\s*["'](\.[^"']+)["']|url\(["']?(\.[^"')]+)`)
	s := site(t, fstest.MapFS{})
	for name, f := range s.files {
		if !strings.HasPrefix(name, "ui/") {
			continue
		}
		for _, m := range reference.FindAllSubmatch(f.plain, -1) {
			to := path.Join(path.Dir(name), string(m[1])+string(m[2]))
			if _, ok := s.files[to]; !ok {
				t.Errorf("%s refers to %s, which does not exist", name, to)
			}
		}
	}
}
