// Package web is the page that people get. It is plain ES modules without a build
// step, and knows only what a device may ask of a gateway.
package web

import (
	"embed"
	"log/slog"
	"net/http"
	"strings"

	"designkits/shared/webui"
)

//go:embed *.html *.js *.svg
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
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		if err := site.Show(w, http.StatusOK, "index.html", nil); err != nil {
			cfg.Log.ErrorContext(r.Context(), "show the page", "error", err.Error())
		}
	})
	return mux, nil
}

// policy lets the page run the encryption, which is WebAssembly, and connect to
// any gateway and to the store of attachments.
func (c Config) policy() string {
	connect := "'self'"
	for _, origin := range c.Origins {
		connect += " " + origin + " ws" + strings.TrimPrefix(origin, "http")
	}
	if c.Blobs != "" {
		connect += " " + c.Blobs
	}
	return webui.FramedBy(c.FramedBy) + "; script-src 'self' 'wasm-unsafe-eval'; connect-src " + connect
}
