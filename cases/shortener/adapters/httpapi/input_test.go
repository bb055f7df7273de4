package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// owned is how many links the key has, as the store lists them.
func (r *replica) owned(key string) int {
	r.t.Helper()
	var page struct{ Links []made }
	r.do(call{method: "GET", path: "/api/links?limit=100", key: key}).into(r.t, &page)
	return len(page.Links)
}

func TestBadInputIsRefusedAndNothingIsStored(t *testing.T) {
	r := newScene(t).replica(options{})
	key := r.newKey()
	taken := alias("Taken")
	r.create(key, fmt.Sprintf(`{"target":"https://example.com/","alias":%q}`, taken))
	target := func(s string) string { return fmt.Sprintf(`{"target":%q}`, s) }
	aliased := func(s string) string { return fmt.Sprintf(`{"target":"https://example.com/","alias":%q}`, s) }
	with := func(member string) string { return `{"target":"https://example.com/",` + member + `}` }
	for name, c := range map[string]struct {
		body   string
		kind   string
		status int
		slug   string
		field  string
		rule   string
	}{
		"not a URL":                 {body: target("hello world"), field: "target", rule: "not-a-url"},
		"empty":                     {body: target(""), field: "target", rule: "empty"},
		"missing":                   {body: `{}`, field: "target", rule: "empty"},
		"not http":                  {body: target("ftp://example.com/"), field: "target", rule: "scheme"},
		"script":                    {body: target("javascript:alert(1)"), field: "target", rule: "scheme"},
		"over 8 KB":                 {body: target("https://example.com/" + strings.Repeat("x", 8200)), field: "target", rule: "too-long"},
		"credentials":               {body: target("https://me:secret@example.com/"), field: "target", rule: "credentials"},
		"a loop to ourselves":       {body: target("https://sho.rt/abc"), field: "target", rule: "loop"},
		"loopback":                  {body: target("http://127.0.0.1/"), field: "target", rule: "private-address"},
		"loopback in hex":           {body: target("http://0x7f.1/"), field: "target", rule: "private-address"},
		"private":                   {body: target("http://192.168.1.1/"), field: "target", rule: "private-address"},
		"cloud metadata":            {body: target("http://169.254.169.254/latest/"), field: "target", rule: "private-address"},
		"loopback over IPv6":        {body: target("http://[::1]/"), field: "target", rule: "private-address"},
		"localhost":                 {body: target("http://localhost:9042/"), field: "target", rule: "private-name"},
		"a line end":                {body: target("https://example.com/\r\nSet-Cookie: a=b"), field: "target", rule: "control-character"},
		"a reserved alias":          {body: aliased("api"), field: "alias", rule: "reserved"},
		"an alias too long":         {body: aliased(strings.Repeat("x", 33)), field: "alias", rule: "too-long"},
		"an alias too short":        {body: aliased("x"), field: "alias", rule: "too-short"},
		"an alias with a slash":     {body: aliased("a/b"), field: "alias", rule: "bad-character"},
		"an alias in Cyrillic":      {body: aliased("аррlе"), field: "alias", rule: "bad-character"},
		"an alias like a code":      {body: aliased("abcdefg"), field: "alias", rule: "generated-shape"},
		"a taken alias":             {body: aliased(taken), status: 409, slug: "alias-taken", field: "alias", rule: "taken"},
		"a look-alike":              {body: aliased(strings.ToLower(taken)), status: 409, slug: "alias-look-alike", field: "alias", rule: "look-alike"},
		"expiry in the past":        {body: with(`"expires":"2020-01-01T00:00:00Z"`), field: "expires", rule: "past"},
		"expiry too far":            {body: with(`"expires":"2120-01-01T00:00:00Z"`), field: "expires", rule: "too-far"},
		"expiry is no time":         {body: with(`"expires":"tomorrow"`), field: "expires", rule: "not-a-time"},
		"ttl below 1":               {body: with(`"ttl":0`), field: "ttl", rule: "past"},
		"ttl that overflows":        {body: with(`"ttl":9223372036854775807`), field: "ttl", rule: "too-far"},
		"ttl and expiry":            {body: with(`"ttl":60,"expires":"2120-01-01T00:00:00Z"`), field: "ttl", rule: "either-or"},
		"ttl is a word":             {body: with(`"ttl":"60"`), status: 400, slug: "malformed", field: "ttl"},
		"target is a number":        {body: `{"target":5}`, status: 400, slug: "malformed", field: "target"},
		"an unknown member":         {body: with(`"owner":"me"`), status: 400, slug: "malformed", field: "owner"},
		"something after":           {body: target("https://example.com/") + `{}`, status: 400, slug: "malformed"},
		"no JSON":                   {body: `target=https://example.com/`, status: 400, slug: "malformed"},
		"half of it":                {body: `{"target":"https://exam`, status: 400, slug: "malformed"},
		"a list":                    {body: `["https://example.com/"]`, status: 400, slug: "malformed"},
		"null":                      {body: `null`, status: 400, slug: "malformed"},
		"no body":                   {kind: "application/json", status: 400, slug: "malformed"},
		"a form":                    {body: target("https://example.com/"), kind: "application/x-www-form-urlencoded", status: 415, slug: "media-type"},
		"a media type that is none": {body: target("https://example.com/"), kind: ";;", status: 415, slug: "media-type"},
		"over 64 KiB":               {body: target("https://example.com/" + strings.Repeat("x", 70_000)), status: 413, slug: "too-large"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.status == 0 {
				c.status, c.slug = http.StatusUnprocessableEntity, "invalid-input"
			}
			a := r.do(call{method: "POST", path: "/api/links", key: key, body: c.body, kind: c.kind})
			p := a.problem(t)
			if a.status != c.status || p.Type != "/problems/"+c.slug || p.Field != c.field || p.Rule != c.rule {
				t.Errorf("%d %+v, want %d %s %s %s", a.status, p, c.status, c.slug, c.field, c.rule)
			}
		})
	}
	if n := r.owned(key); n != 1 {
		t.Errorf("%d links are stored, not only the good one", n)
	}
}

func TestBadChangesLeaveTheLinkAsItWas(t *testing.T) {
	r := newScene(t).replica(options{})
	key := r.newKey()
	link := r.create(key, `{"target":"https://example.com/before","ttl":3600}`)
	path := "/api/links/" + link.Code
	before := r.do(call{method: "GET", path: path, key: key})
	for _, body := range []string{
		`{}`, `{"target":"nope"}`, `{"target":""}`, `{"expires":"2020-01-01T00:00:00Z"}`, `{"alias":"other"}`,
		`{"target":"https://example.com/after","ttl":-1}`, `{"code":"x"}`, `{"permanent":"yes"}`, `5`,
	} {
		if a := r.do(call{method: "PATCH", path: path, key: key, body: body}); a.status < 400 || a.status >= 500 {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		} else {
			a.problem(t)
		}
	}
	if after := r.do(call{method: "GET", path: path, key: key}); string(after.body) != string(before.body) {
		t.Errorf("%s became %s", before.body, after.body)
	}
	if at := r.location(link.Code); at != link.Target {
		t.Errorf("it leads to %s", at)
	}
}

func TestBulkGivesAResultALineInOrder(t *testing.T) {
	r := newScene(t).replica(options{})
	key := r.newKey()
	one, two := alias("bulk"), alias("bulk2")
	type result struct {
		Line, Status int
		made
		Error *struct{ Type, Field, Rule string }
	}
	results := func(a answer) (all []result) {
		t.Helper()
		if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/x-ndjson" {
			t.Fatalf("%d %s", a.status, a.body)
		}
		for line := range strings.Lines(string(a.body)) {
			var x result
			answer{body: []byte(line)}.into(t, &x)
			all = append(all, x)
		}
		return all
	}
	for kind, body := range map[string]string{
		"application/x-ndjson": `{"target":"https://example.com/1"}` + "\n\n" +
			`{"target":"nope"}` + "\n" + `{"target":"https://example.com/2","alias":"` + one + `"}` + "\n" +
			`{"target":"https://example.com/3","alias":"` + one + `"}` + "\n" + `what` + "\n" + `{"target":"https://example.com/4","ttl":60}`,
		"text/csv": "https://example.com/1\n\nnope\nhttps://example.com/2," + two + "\nhttps://example.com/3," + two +
			"\nhttps://example.com/3,,,,,\n\"https://example.com/4\",,2040-01-01T00:00:00Z,true\n",
	} {
		if kind == "text/csv" {
			body = strings.Replace(body, "2040", fmt.Sprint(time.Now().Year()+1), 1)
		}
		all := results(r.do(call{method: "POST", path: "/api/links/bulk", key: key, kind: kind, body: body}))
		var got []string
		for _, x := range all {
			got = append(got, fmt.Sprintf("%d:%d", x.Line, x.Status))
		}
		// Of two lines with one alias either may win.
		if s := strings.Join(got, " "); s != "1:201 3:422 4:201 5:409 6:400 7:201" && s != "1:201 3:422 4:409 5:201 6:400 7:201" {
			t.Errorf("%s: %s", kind, s)
		}
		if last := all[len(all)-1]; last.Expires.IsZero() || r.location(last.Code) != "https://example.com/4" {
			t.Errorf("%s: the last line made %+v", kind, last)
		}
	}
	a := r.do(call{method: "POST", path: "/api/links/bulk", key: key, kind: "text/csv", body: "alias,target\n" + alias("named") + ",https://example.com/5\n"})
	if all := results(a); len(all) != 1 || all[0].Status != 201 || all[0].Line != 2 {
		t.Errorf("with named columns: %+v", all)
	}
}

func TestBulkIsBounded(t *testing.T) {
	r := newScene(t).replica(options{})
	key := r.newKey()
	for name, c := range map[string]struct {
		body   string
		kind   string
		status int
	}{
		"11 MB":       {strings.Repeat("x", 11<<20), "application/x-ndjson", 413},
		"a long line": {`{"target":"` + strings.Repeat("x", 70_000) + `"}`, "application/x-ndjson", 413},
		"no lines":    {"\n\n", "application/x-ndjson", 400},
		"JSON":        {`{}`, "application/json", 415},
	} {
		t.Run(name, func(t *testing.T) {
			a := r.do(call{method: "POST", path: "/api/links/bulk", key: key, kind: c.kind, body: c.body})
			if a.problem(t); a.status != c.status {
				t.Errorf("%d %s, want %d", a.status, a.body, c.status)
			}
		})
	}
	if n := r.owned(key); n != 0 {
		t.Errorf("%d links were stored", n)
	}
}
