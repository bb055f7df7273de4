package httpapi

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"designkits/cases/shortener"

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
		_, _ = w.Write(svg(code)) // the client may have gone
		return nil
	}
	h.Set("Content-Type", "image/png")
	_, _ = w.Write(code.PNG())
	return nil
}

// quiet is the margin that readers need, in modules (ISO/IEC 18004).
const quiet = 4

// svg draws a module a unit, so that it scales to any size.
func svg(code *qr.Code) []byte {
	var path strings.Builder
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	var b bytes.Buffer
	side := code.Size + 2*quiet
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">`, side, side)
	fmt.Fprintf(&b, `<path fill="#fff" d="M0 0h%dv%dH0z"/><path d="%s"/></svg>`, side, side, path.String())
	return b.Bytes()
}
