package clicks

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"designkits/cases/shortener"
)

func TestAClickIsWrittenAsEncodingJSONWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]{0,20}`))
		c := Click{
			Schema: rapid.Int().Draw(t, "schema"), ID: text.Draw(t, "id"), Code: shortener.Code(text.Draw(t, "code")),
			Time:     time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, "time")).UTC(),
			Referrer: text.Draw(t, "referrer"), Country: text.Draw(t, "country"), Device: text.Draw(t, "device"),
			Browser: text.Draw(t, "browser"), Bot: rapid.Bool().Draw(t, "bot"), Visitor: text.Draw(t, "visitor"),
		}
		want, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.AppendJSON(nil); string(got) != string(want) {
			t.Fatalf("%s\nencoding/json writes\n%s", got, want)
		}
	})
}

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
