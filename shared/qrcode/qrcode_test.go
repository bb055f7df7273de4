package qrcode_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"testing"

	"designkits/shared/qrcode"

	"rsc.io/qr"
)

func TestEachBlackModuleIsDrawnWithinAMargin(t *testing.T) {
	code, err := qr.Encode("https://example.com/abc", qr.M)
	if err != nil {
		t.Fatal(err)
	}
	svg := qrcode.SVG(code)
	for decoder := xml.NewDecoder(bytes.NewReader(svg)); ; {
		if _, err := decoder.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	black := 0
	for y := range code.Size {
		for x := range code.Size {
			drawn := bytes.Contains(svg, fmt.Appendf(nil, "M%d %dh1v1h-1z", x+4, y+4))
			if drawn != code.Black(x, y) {
				t.Errorf("module %d, %d: drawn %v", x, y, drawn)
			}
			if code.Black(x, y) {
				black++
			}
		}
	}
	if n := bytes.Count(svg, []byte("h1v1h-1z")); n != black {
		t.Errorf("%d modules are drawn, the code has %d", n, black)
	}
	if side := fmt.Sprintf(`viewBox="0 0 %d %[1]d"`, code.Size+8); !bytes.Contains(svg, []byte(side)) {
		t.Errorf("it isn't %s", side)
	}
}
