// Package web is the pages that people get: "/" is one device, "/two" shows two people
// with three devices side by side, "/operator" what operators see. They are plain ES
// modules without a build step, and know only what a device or an operator may ask
// of a gateway.
package web

import (
	"embed"
	"log/slog"
	"net/http"
	"strings"

	"designkits/shared/webui"
)

//go:embed *.html *.css *.js *.svg
var files embed.FS

// Config says what the page may do.
type Config struct {
	FramedBy string   // an origin whose page may show it in a frame; "" for none
	Origins  []string // of all gateways: to any of them the page may connect
	Blobs    string   // the origin where attachments are put and got; "" for none
	WASM     string   // the folder with the encryption, built for the browser; "" for none
	Log      *slog.Logger
}

// Handler serves the page at "/", its files below "/assets/" and what was built
// for the browser below "/wasm/".
func Handler(cfg Config) (http.Handler, error) {
	site, err := webui.New(files)
	if err != nil {
		return nil, err
	}
	policy := cfg.policy()
	mux := http.NewServeMux()
	mux.Handle("GET /assets/", site)
	if cfg.WASM != "" {
		built, err := openBuilt(cfg.WASM)
		if err != nil {
			return nil, err
		}
		mux.Handle("GET /wasm/", built)
	}
	for path, name := range map[string]string{"/{$}": "index.html", "/two": "two.html", "/operator": "operator.html"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", policy)
			if err := site.Show(w, http.StatusOK, name, nil); err != nil {
				cfg.Log.ErrorContext(r.Context(), "show the page", "page", name, "error", err.Error())
			}
		})
	}
	return mux, nil
}

// policy lets the page run the encryption, which is WebAssembly, connect to any
// gateway and to the store of attachments, show pictures that were decrypted here, and
// be shown in a frame by another of these pages.
func (c Config) policy() string {
	connect := "'self'"
	for _, origin := range c.Origins {
		connect += " " + origin + " ws" + strings.TrimPrefix(origin, "http")
	}
	if c.Blobs != "" {
		connect += " " + c.Blobs
	}
	return webui.FramedBy(strings.TrimSpace("'self' "+c.FramedBy)) + "; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob:; connect-src " + connect
}
