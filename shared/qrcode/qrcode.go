// Package qrcode draws QR codes as SVG, which scales to any size.
package qrcode

import (
	"bytes"
	"fmt"
	"strings"

	"rsc.io/qr"
)

// quiet is the margin that readers need, in modules (ISO/IEC 18004).
const quiet = 4

// SVG draws a code, a module a unit, black on white.
func SVG(code *qr.Code) []byte {
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
