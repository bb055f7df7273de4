package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"designkits/shared/wasm"
)

// built are the files of a program that was built for the browser, compressed
// once: it has megabytes.
type built map[string]compressed

type compressed struct {
	kind, tag   string
	plain, gzip []byte
}

func openBuilt(folder string) (built, error) {
	all := built{}
	for name, kind := range map[string]string{wasm.Program: "application/wasm", wasm.Loader: "text/javascript; charset=utf-8"} {
		plain, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, fmt.Errorf("read what was built for the browser: %w", err)
		}
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, err = z.Write(plain)
		if err == nil {
			err = z.Close()
		}
		if err != nil {
			return nil, fmt.Errorf("compress %s: %w", name, err)
		}
		sum := sha256.Sum256(plain)
		all["/wasm/"+name] = compressed{kind, `"` + hex.EncodeToString(sum[:8]) + `"`, plain, packed.Bytes()}
	}
	return all, nil
}

// ServeHTTP serves a file, to be asked for again each time: it changes with each
// build, and both must be of the same.
func (b built) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := b[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("ETag", f.tag)
	if r.Header.Get("If-None-Match") == f.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := f.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = f.gzip
	}
	_, _ = w.Write(body) // the client may have gone
}
