// Package web is the page that people get: fans choose seats on a map that
// changes under their eyes, wait their turn, pay and get their tickets; organisers
// see the sale, and doors let people in.
//
// It is plain ES modules without a build step. It knows only the public API, so
// whatever it does can be done with curl as well.
package web

import (
	"embed"
	"log/slog"
	"net/http"

	"designkits/shared/webui"
)

//go:embed *.html *.css *.js *.svg
var files embed.FS

// Handler serves the page at "/" and its files below "/assets/". A page of the
// origin framedBy may show it in a frame; nobody may when that is empty.
func Handler(framedBy string, log *slog.Logger) (http.Handler, error) {
	site, err := webui.New(files)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /assets/", site)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", webui.FramedBy(framedBy))
		if err := site.Show(w, http.StatusOK, "index.html", nil); err != nil {
			log.ErrorContext(r.Context(), "show the page", "error", err.Error())
		}
	})
	return mux, nil
}
