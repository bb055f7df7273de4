package messaging_test

import (
	"strings"
	"testing"

	"designkits/cases/messaging"
)

func TestALinkCodeIsReadAsPeopleTypeIt(t *testing.T) {
	code := messaging.NewLinkCode()
	typed := strings.ToUpper(string(code[:3]) + "-" + string(code[3:6]) + " " + string(code[6:]))
	if got, err := messaging.ParseLinkCode(typed); err != nil || got != code {
		t.Errorf("%q is read as %q, %v", typed, got, err)
	}
	if got, err := messaging.ParseLinkCode("OIL-000-000"); err != nil || got != "011000000" {
		t.Errorf("letters like digits: %q, %v", got, err)
	}
	for _, bad := range []string{"", "12345678", "1234567890", "12345678u", "12345678é"} {
		if got, err := messaging.ParseLinkCode(bad); err == nil {
			t.Errorf("%q is read as %q", bad, got)
		}
	}
}

func TestNamesAreOnesThatNobodyConfuses(t *testing.T) {
	for text, want := range map[string]string{"Ana": "ana", " ben.k ": "ben.k", "x1": "x1"} {
		if got, err := messaging.ParseName(text); err != nil || got != want {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "a", "аna", "a b", "-ana", "u0123456789abcdef", strings.Repeat("a", 33), "a\x00b", "../x"} {
		if got, err := messaging.ParseName(bad); err == nil {
			t.Errorf("%q is taken as %q", bad, got)
		}
	}
}
