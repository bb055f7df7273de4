package httpjson_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"designkits/shared/httpjson"
)

func TestBodiesThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		kind, body string
		want       int
		detail     string
	}{
		"of another kind":    {"text/plain", `{"n":1}`, 415, "application/json"},
		"of no kind":         {"", `{"n":1}`, 415, "application/json"},
		"too large":          {"application/json", `{"s":"` + strings.Repeat("x", 100) + `"}`, 413, "at most 64"},
		"no object":          {"application/json", `[1]`, 400, "object"},
		"empty":              {"application/json", ``, 400, "object"},
		"broken":             {"application/json", `{"n":1`, 400, "too early"},
		"no JSON":            {"application/json", `{n:1}`, 400, "byte 2"},
		"an unknown member":  {"application/json", `{"m":1}`, 400, `"m" is not known`},
		"of the wrong type":  {"application/json", `{"n":"1"}`, 400, "n can't be a JSON string"},
		"with a second one":  {"application/json", `{"n":1}{}`, 400, "after"},
		"a number that's no": {"application/json", `{"n":1.5}`, 400, "n can't be"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.kind)
		var into struct {
			N int    `json:"n"`
			S string `json:"s"`
		}
		err := httpjson.Read(httptest.NewRecorder(), r, 64, &into)
		p, ok := httpjson.ProblemOf(err)
		if !ok || p.Status != c.want || !strings.Contains(p.Detail, c.detail) {
			t.Errorf("%s: %v, %+v, want %d and %q", name, err, p, c.want, c.detail)
		}
	}
}

func TestABodyIsReadAndAnswered(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(` {"n":7} `))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	w := httptest.NewRecorder()
	var into struct{ N int }
	if err := httpjson.Read(w, r, 64, &into); err != nil || into.N != 7 {
		t.Fatal(into, err)
	}
	if err := httpjson.Write(w, 201, into); err != nil {
		t.Fatal(err)
	}
	if w.Code != 201 || w.Body.String() != "{\"N\":7}\n" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
	}
	if p, ok := httpjson.ProblemOf(http.ErrNoCookie); ok {
		t.Errorf("another's error is %+v", p)
	}
}
