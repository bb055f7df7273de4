//go:build exercise

package tags_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"designkits/cases/shortener/exercises"
)

type page struct {
	Links []struct {
		Code    string
		Created time.Time
	}
	Next string
}

// found turns all pages of a search and returns the codes, in order.
func found(t *testing.T, o *exercises.Owner, tag string, limit int) []string {
	t.Helper()
	var codes []string
	var before time.Time
	cursor := ""
	for replica := 0; ; replica++ {
		query := url.Values{"tag": {tag}, "limit": {fmt.Sprint(limit)}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		a := o.Ask(replica, http.MethodGet, "/api/links?"+query.Encode(), "")
		var p page
		if a.Status != http.StatusOK || json.Unmarshal([]byte(a.Body), &p) != nil {
			t.Fatalf("GET /api/links?%s: %s", query.Encode(), a)
		}
		if len(p.Links) > limit {
			t.Fatalf("a page of %d has %d links", limit, len(p.Links))
		}
		if p.Next != "" && len(p.Links) < limit {
			t.Errorf("a page of %d has %d links and says there are more: go on reading where entries are dead", limit, len(p.Links))
		}
		for _, l := range p.Links {
			if !before.IsZero() && l.Created.After(before) {
				t.Errorf("%s comes after an older link: newest first", l.Code)
			}
			before = l.Created
			codes = append(codes, l.Code)
		}
		if cursor = p.Next; cursor == "" {
			return codes
		}
		if replica > 50 {
			t.Fatal("the pages don't end")
		}
	}
}

// finds compares a search with what it must find, newest first.
func finds(t *testing.T, o *exercises.Owner, tag string, limit int, want []string, why string) {
	t.Helper()
	got := found(t, o, tag, limit)
	a, b := slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(a, b) {
		t.Errorf("?tag=%s finds %v in pages of %d, want %v: %s", tag, got, limit, want, why)
	}
}

func tag(t *testing.T, o *exercises.Owner, code string, tags ...string) {
	t.Helper()
	body, err := json.Marshal(map[string][]string{"tags": append([]string{}, tags...)})
	if err != nil {
		t.Fatal(err)
	}
	if a := o.Ask(0, http.MethodPut, "/api/links/"+code+"/tags", string(body)); a.Status/100 != 2 {
		t.Fatalf("PUT /api/links/CODE/tags %s: %s", body, a)
	}
}

func TestTags(t *testing.T) {
	c := exercises.Start(t)
	anna, ben := c.Owner(), c.Owner()
	var codes []string
	for i := range 7 {
		code := anna.Make(fmt.Sprintf(`{"target":"https://example.org/%d"}`, i))
		tag(t, anna, code, "spring", fmt.Sprintf("no-%d", i))
		codes = append(codes, code)
	}
	bens := ben.Make(`{"target":"https://example.org/ben"}`)
	tag(t, ben, bens, "spring")
	anna.Make(`{"target":"https://example.org/untagged"}`)

	finds(t, anna, "spring", 100, codes, "exactly one's own links with the tag; a link of somebody else's is a leak")
	finds(t, ben, "spring", 100, []string{bens}, "exactly one's own links with the tag; a link of somebody else's is a leak")
	finds(t, anna, "spring", 3, codes, "each link once, however long the pages are")
	finds(t, anna, "no-4", 100, codes[4:5], "a link is found by each of its tags")
	finds(t, anna, "winter", 100, nil, "nobody has given that tag")
	if a := anna.Ask(1, http.MethodGet, "/api/links?owner=me&limit=100", ""); strings.Count(a.Body, `"code"`) != 8 {
		t.Errorf("the listing without a tag has other links than before: %s", a)
	}

	for name, a := range map[string]exercises.Answer{
		"PUT": ben.Ask(0, http.MethodPut, "/api/links/"+codes[0]+"/tags", `{"tags":["mine"]}`),
		"GET": ben.Ask(1, http.MethodGet, "/api/links/"+codes[0]+"/tags", ""),
	} {
		if a.Status != http.StatusForbidden {
			t.Errorf("%s of the tags of somebody else's link is answered %d, want 403", name, a.Status)
		}
	}
	for _, bad := range []string{`""`, `"Spring"`, `"a b"`, `"` + strings.Repeat("x", 33) + `"`} {
		if a := anna.Ask(0, http.MethodPut, "/api/links/"+codes[0]+"/tags", `{"tags":[`+bad+`]}`); a.Status != http.StatusUnprocessableEntity {
			t.Errorf("the tag %s is answered %d, want 422", bad, a.Status)
		}
	}

	tag(t, anna, codes[0], "summer")
	finds(t, anna, "spring", 100, codes[1:], "a tag that was replaced finds the link no more")
	finds(t, anna, "summer", 100, codes[:1], "the new tag does")
	if a := anna.Ask(1, http.MethodGet, "/api/links/"+codes[0]+"/tags", ""); !strings.Contains(a.Body, `["summer"]`) {
		t.Errorf("GET of the tags: %s, want summer alone", a)
	}
	anna.Change(codes[1], `{"target":"https://example.org/changed"}`)
	finds(t, anna, "no-1", 100, codes[1:2], "a changed target leaves the tags alone")

	for _, code := range codes[2:6] {
		if a := anna.Ask(0, http.MethodDelete, "/api/links/"+code, ""); a.Status != http.StatusNoContent {
			t.Fatalf("DELETE: %s", a)
		}
	}
	left := []string{codes[1], codes[6]}
	finds(t, anna, "spring", 1, left, "deleted links are found no more, and those behind them are")

	const alias = "tagged-alias"
	anna.Make(`{"target":"https://example.org/a","alias":"` + alias + `"}`)
	tag(t, anna, alias, "autumn")
	finds(t, anna, "autumn", 100, []string{alias}, "an alias is a link like any other")
	anna.Ask(0, http.MethodDelete, "/api/links/"+alias, "")
	anna.Make(`{"target":"https://example.org/b","alias":"` + alias + `"}`)
	finds(t, anna, "autumn", 100, nil, "an alias that was deleted and made again has no tags of its former life")
	if a := anna.Ask(0, http.MethodGet, "/api/links/"+alias+"/tags", ""); strings.Contains(a.Body, "autumn") {
		t.Errorf("an alias that was made again still has the tag of its former life: %s", a)
	}
}
