package httpapi

import (
	"fmt"
	"net/http"

	"designkits/cases/shortener"
	"designkits/shared/qrcode"

	"rsc.io/qr"
)

// qr answers with the short address as a QR code: a PNG, or an SVG with
// ?format=svg. It tells nothing that the address doesn't, so it needs no key.
func (s *Server) qr(w http.ResponseWriter, r *http.Request) error {
	format := r.URL.Query().Get("format")
	if format != "" && format != "png" && format != "svg" {
		return &shortener.Invalid{Field: "format", Rule: "unknown", Reason: "format is png or svg"}
	}
	link, err := s.resolve(r, s.client(r), shortener.Code(r.PathValue("code")))
	if err != nil {
		return err
	}
	code, err := qr.Encode(s.shortOf(link.Code), qr.M)
	if err != nil {
		return fmt.Errorf("QR code of %q: %w", link.Code, err)
	}
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "private, max-age=3600") // the address of a link never changes
	if format == "svg" {
		h.Set("Content-Type", "image/svg+xml")
		_, _ = w.Write(qrcode.SVG(code)) // the client may have gone
		return nil
	}
	h.Set("Content-Type", "image/png")
	_, _ = w.Write(code.PNG())
	return nil
}
