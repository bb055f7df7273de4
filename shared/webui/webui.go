// Package webui serves the live page of a case: the case's own files together
// with the stylesheet, the small ES modules (ui/) and the third-party
// libraries (vendor/, listed in manifest.json) that all pages share.
//
// There is no build step. All files of a site stand below one prefix that
// names the hash of their contents, /assets/<hash>/…, so modules import each
// other by relative paths, browsers may keep every file for ever, and a new
// version of any file is a new address for all of them. HTML is rendered with
// html/template and is never cached.
//
//	<link rel="stylesheet" href="{{asset "ui/base.css"}}">
//	<script type="module" src="{{asset "app.js"}}"></script>
//
// Pages carry no inline script and no inline style; Policy forbids both.
package webui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Policy is the Content-Security-Policy of every page that sets no other.
const Policy = policy + "; frame-ancestors 'none'"

const policy = "default-src 'self'; base-uri 'none'; form-action 'self'; object-src 'none'"

// FramedBy is Policy for a page that pages of one origin may show in a frame,
// "http://127.0.0.1:8070"; nobody may when it is empty.
func FramedBy(origin string) string {
	if origin == "" {
		return Policy
	}
	return policy + "; frame-ancestors " + origin
}

// Framing is Policy for a page that shows pages of other origins in frames.
func Framing(origins string) string { return Policy + "; frame-src 'self' " + origins }

//go:embed ui vendor
var shared embed.FS

// A Site is the files and pages of one case. It may be used by many goroutines
// at once.
type Site struct {
	prefix string // "/assets/<hash>/"
	files  map[string]file
	pages  *template.Template
}

type file struct {
	kind  string // media type
	plain []byte
	gzip  []byte // nil where it would not be smaller
}

// New makes a site of a case's files, found anywhere below root in page. Files
// ending in .html become templates for Show, all others are assets. A case's
// files must not stand below ui/ or vendor/, which are this package's.
func New(page fs.FS) (*Site, error) {
	s := &Site{files: map[string]file{}}
	sources := map[string]string{} // pages by name
	for _, from := range []fs.FS{shared, page} {
		err := fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := fs.ReadFile(from, name)
			if err != nil {
				return err
			}
			if path.Ext(name) == ".html" {
				sources[name] = string(content)
				return nil
			}
			if _, twice := s.files[name]; twice {
				return fmt.Errorf("%s is a file of package webui: give the case's file another name", name)
			}
			s.files[name] = newFile(name, content)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read the files of a page: %w", err)
		}
	}
	s.prefix = "/assets/" + s.hash() + "/"

	s.pages = template.New("").Option("missingkey=error").Funcs(template.FuncMap{"asset": s.asset})
	for name, source := range sources {
		if _, err := s.pages.New(name).Parse(source); err != nil {
			return nil, fmt.Errorf("parse page %s: %w", name, err)
		}
	}
	return s, nil
}

func newFile(name string, content []byte) file {
	kind := mime.TypeByExtension(path.Ext(name))
	switch path.Ext(name) { // not left to the machine's mime tables
	case ".js":
		kind = "text/javascript; charset=utf-8"
	case ".css":
		kind = "text/css; charset=utf-8"
	case ".svg":
		kind = "image/svg+xml"
	case ".woff2":
		kind = "font/woff2"
	case "":
		kind = "text/plain; charset=utf-8"
	}
	f := file{kind: kind, plain: content}
	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // fails only for an unknown level
	_, err := z.Write(content)
	if err = errors.Join(err, z.Close()); err == nil && packed.Len() < len(content) {
		f.gzip = packed.Bytes()
	}
	return f
}

// hash is over names and contents of all assets.
func (s *Site) hash() string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		fmt.Fprintf(h, "%s\x00%d\x00", name, len(s.files[name].plain))
		h.Write(s.files[name].plain)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// asset is the template function that gives a file's address.
func (s *Site) asset(name string) (string, error) {
	if _, ok := s.files[name]; !ok {
		return "", fmt.Errorf("the page names the file %s, which does not exist", name)
	}
	return s.prefix + name, nil
}

// ServeHTTP serves the assets; mount it at "GET /assets/". A hash of another
// version is unknown here: better a 404 than half a page of each version.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ours := strings.CutPrefix(r.URL.Path, s.prefix)
	f, ok := s.files[name]
	if !ours || !ok {
		w.Header().Set("Cache-Control", "no-store")
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	body := f.plain
	if f.gzip != nil {
		h.Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = f.gzip
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client may have gone; there is nobody to tell
	}
}

// Show answers with the named page, rendered with what it is given. A page
// that can't be rendered is answered with 500 and returned, to be logged.
func (s *Site) Show(w http.ResponseWriter, status int, name string, with any) error {
	var body bytes.Buffer
	if err := s.pages.ExecuteTemplate(&body, name, with); err != nil {
		http.Error(w, "The page could not be made. It has been logged; please try again.", http.StatusInternalServerError)
		return fmt.Errorf("render page %s: %w", name, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	if h.Get("Content-Security-Policy") == "" {
		h.Set("Content-Security-Policy", Policy)
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the client may have gone; there is nobody to tell
	return nil
}
