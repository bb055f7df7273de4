package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"designkits/cases/shortener/adapters/httpapi"
	"designkits/shared/openapitest"
)

var described = openapitest.Of(httpapi.OpenAPI)

// checkAnswer holds an answer against the OpenAPI file. What no route answers
// is not described, nor are methods that a route doesn't have and HEAD.
func checkAnswer(t *testing.T, req *http.Request, resp *http.Response) {
	t.Helper()
	if resp.StatusCode != http.StatusMethodNotAllowed && req.Method != http.MethodHead && !nowhere(req.URL.Path) {
		described.CheckAnswer(t, req, resp)
	}
}

// nowhere reports whether a path is one of those that the tests ask for in vain.
func nowhere(path string) bool { return path == "/api/nothing" || path == "/a/b/c" }

func TestOpenAPIFileIsValid(t *testing.T) { described.MustBeValid(t) }

func TestEveryRouteIsInTheOpenAPIFileAndTheOtherWayRound(t *testing.T) {
	var routes []string
	for _, pattern := range newScene(t).replica(options{}).api.Patterns() {
		if pattern != "/" { // what no route answers
			routes = append(routes, strings.Replace(pattern, "/{$}", "/", 1))
		}
	}
	slices.Sort(routes)
	if want := described.Operations(t); !slices.Equal(routes, want) {
		t.Errorf("the server has\n%s\nthe file has\n%s", strings.Join(routes, "\n"), strings.Join(want, "\n"))
	}
}

func TestEveryOperationDoesWhatTheFileSays(t *testing.T) {
	r := newScene(t).replica(options{keys: testKey(1000)})
	key, other := r.newKey(), r.newKey()
	link := r.create(key, `{"target":"https://example.com/a"}`)
	gone := r.create(key, `{"target":"https://example.com/b"}`)
	path := "/api/links/" + link.Code
	for _, c := range []struct {
		operation string
		call      call
		want      int
		bad       bool // the request itself breaks the file's rules
	}{
		{"GET /", call{path: "/"}, 200, false},
		{"GET /robots.txt", call{path: "/robots.txt"}, 200, false},
		{"GET /{code}", call{path: "/" + link.Code}, 302, false},
		{"GET /{code}", call{path: "/" + link.Code + "+"}, 200, false},
		{"GET /{code}", call{path: "/nobody-has-this"}, 404, false},
		{"POST /api/keys", call{method: "POST", path: "/api/keys"}, 201, false},
		{"POST /api/keys", call{method: "POST", path: "/api/keys", body: `{"rate":1e9}`}, 400, false},
		{"POST /api/keys", call{method: "POST", path: "/api/keys", header: http.Header{"Sec-Fetch-Site": {"cross-site"}}}, 403, false},
		{"POST /api/links", call{method: "POST", path: "/api/links", key: key, body: `{"target":"https://example.com/c","ttl":60,"permanent":true}`}, 201, false},
		{"POST /api/links", call{method: "POST", path: "/api/links", key: key, body: `{"target":"https://example.com/c","expires":null}`}, 201, false},
		{"POST /api/links", call{method: "POST", path: "/api/links", key: key, body: `{"target":1}`}, 400, true},
		{"POST /api/links", call{method: "POST", path: "/api/links", key: key, body: `{"target":"https://example.com/c","x":1}`}, 400, true},
		{"POST /api/links", call{method: "POST", path: "/api/links", key: key, body: `{}`}, 422, true},
		{"POST /api/links", call{method: "POST", path: "/api/links", body: `{"target":"https://example.com/c"}`}, 401, true},
		{"GET /api/links", call{path: "/api/links?owner=me&limit=1", key: key}, 200, false},
		{"GET /api/links", call{path: "/api/links?limit=0", key: key}, 422, true},
		{"GET /api/links", call{path: "/api/links?owner=somebody", key: key}, 403, false},
		{"GET /api/links", call{path: "/api/links?cursor=nonsense", key: key}, 422, false},
		{"POST /api/links/bulk", call{method: "POST", path: "/api/links/bulk", key: key, kind: "application/x-ndjson", body: `{"target":"https://example.com/d"}`}, 200, false},
		{"POST /api/links/bulk", call{method: "POST", path: "/api/links/bulk", key: key, kind: "text/plain", body: `x`}, 415, true},
		{"GET /api/links/{code}", call{path: path, key: key}, 200, false},
		{"GET /api/links/{code}", call{path: path, key: other}, 403, false},
		{"GET /api/links/{code}", call{path: "/api/links/nobody-has-this", key: key}, 404, false},
		{"PATCH /api/links/{code}", call{method: "PATCH", path: path, key: key, body: `{"target":"https://example.com/e","expires":null}`}, 200, false},
		{"PATCH /api/links/{code}", call{method: "PATCH", path: path, key: key, body: `{}`}, 422, true},
		{"PATCH /api/links/{code}", call{method: "PATCH", path: path, key: key, body: `[]`}, 400, true},
		{"GET /api/links/{code}/stats", call{path: path + "/stats?granularity=minute", key: key}, 200, false},
		{"GET /api/links/{code}/stats", call{path: path + "/stats?granularity=week", key: key}, 422, true},
		{"GET /api/links/{code}/stats", call{path: path + "/stats?from=yesterday", key: key}, 422, false}, // the validator leaves formats alone,
		{"GET /api/links/{code}/live", call{path: path + "/live"}, 401, true},
		{"GET /api/links/{code}/live", call{path: path + "/live", key: other}, 403, false},
		{"GET /api/links/{code}/qr", call{path: path + "/qr"}, 200, false},
		{"GET /api/links/{code}/qr", call{path: path + "/qr?format=svg"}, 200, false},
		{"GET /api/links/{code}/qr", call{path: path + "/qr?format=gif"}, 422, true},
		{"GET /api/links/{code}/qr", call{path: "/api/links/nobody-has-this/qr"}, 404, false},
		{"GET /api/system", call{path: "/api/system"}, 200, false},
		{"GET /api/pipeline", call{path: "/api/pipeline"}, 200, false},
		{"GET /api/openapi.yaml", call{path: "/api/openapi.yaml"}, 200, false},
		{"DELETE /api/links/{code}", call{method: "DELETE", path: "/api/links/" + gone.Code, key: other}, 403, false},
		{"DELETE /api/links/{code}", call{method: "DELETE", path: "/api/links/" + gone.Code, key: key}, 204, false},
		{"DELETE /api/links/{code}", call{method: "DELETE", path: "/api/links/" + gone.Code, key: key}, 404, false},
		{"DELETE /api/owner", call{method: "DELETE", path: "/api/owner"}, 401, true},
		{"DELETE /api/owner", call{method: "DELETE", path: "/api/owner", key: key}, 204, false},
		{"DELETE /api/owner", call{method: "DELETE", path: "/api/owner", key: key}, 401, false},
		{"GET /{code}", call{path: "/" + link.Code}, 404, false},
	} {
		if c.call.method == "" {
			c.call.method = http.MethodGet
		}
		checkRequest(t, c.call, c.bad)
		if a := r.do(c.call); a.status != c.want { // do checks the answer against the file
			t.Errorf("%s %s %s: %d %s, want %d", c.call.method, c.call.path, c.call.body, a.status, a.body, c.want)
		}
		called[c.operation] = append(called[c.operation], c.want)
	}
	for _, operation := range described.Operations(t) {
		statuses := called[operation]
		if len(statuses) == 0 {
			t.Errorf("%s was never called", operation)
		}
	}
}

var called = map[string][]int{}

// checkRequest says whether the file allows a request, and whether it should.
func checkRequest(t *testing.T, c call, bad bool) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), c.method, "http://localhost"+c.path, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	if c.body != "" {
		req.Header.Set("Content-Type", "application/json")
		if c.kind != "" {
			req.Header.Set("Content-Type", c.kind)
		}
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	if ok, why := described.Allows(t, req); ok == bad {
		t.Errorf("%s %s %s: the file allows it: %v, want %v: %s", c.method, c.path, c.body, ok, !bad, why)
	}
}
