package clicks

import (
	"strings"
	"testing"
)

func TestReferrerHost(t *testing.T) {
	for header, want := range map[string]string{
		"":                                    "",
		"https://Example.ORG/path?q=1#x":      "example.org",
		"http://example.org:8080/":            "example.org",
		"https://example.org.":                "example.org",
		"https://user:secret@example.org/":    "example.org",
		"https://[2001:db8::1]:443/":          "2001:db8::1",
		"android-app://com.google.android.gm": "com.google.android.gm",
		"about:blank":                         "",
		"javascript:alert(1)":                 "",
		"file:///etc/passwd":                  "",
		"/relative":                           "",
		"https://":                            "",
		"http://exa mple.org":                 "",
		"https://" + strings.Repeat("a", 300) + ".org/":      "",
		"https://example.org/" + strings.Repeat("a", 10_000): "",
	} {
		if got := ReferrerHost(header); got != want {
			t.Errorf("%.60q: %q, want %q", header, got, want)
		}
	}
}

func TestCountryCode(t *testing.T) {
	for header, want := range map[string]string{
		"FI": "FI", "fi": "FI", "": UnknownCountry, "FIN": UnknownCountry, "F1": UnknownCountry,
		"XX": UnknownCountry, "é": UnknownCountry, "<b": UnknownCountry,
	} {
		if got := CountryCode(header); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}
