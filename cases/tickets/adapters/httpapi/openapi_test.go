package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"designkits/cases/tickets/adapters/httpapi"
	"designkits/shared/openapitest"
)

var described = openapitest.Of(httpapi.OpenAPI)

// checkAnswer holds an answer against the OpenAPI file. What no route answers
// is not described, nor are methods that a route doesn't have.
func checkAnswer(t *testing.T, req *http.Request, resp *http.Response) {
	t.Helper()
	if resp.StatusCode != http.StatusMethodNotAllowed && !nowhere(req.URL.Path) {
		described.CheckAnswer(t, req, resp)
	}
}

// nowhere reports whether a path is one that the tests ask for in vain.
func nowhere(path string) bool { return path == "/api/nothing" }

func TestOpenAPIFileIsValid(t *testing.T) { described.MustBeValid(t) }

func TestEveryRouteIsInTheOpenAPIFileAndTheOtherWayRound(t *testing.T) {
	var routes []string
	for _, pattern := range newScene(t).api.Patterns() {
		if pattern != "/api/" { // what no route answers
			routes = append(routes, pattern)
		}
	}
	slices.Sort(routes)
	if want := described.Operations(t); !slices.Equal(routes, want) {
		t.Errorf("the server has\n%s\nthe file has\n%s", strings.Join(routes, "\n"), strings.Join(want, "\n"))
	}
}

// Requests that the API takes the file allows.
func TestTheFileAllowsWhatTheAPITakes(t *testing.T) {
	s := newScene(t)
	event, fan := s.event(`{}`), s.session("fan")
	h := s.hold(event, fan, `{"best":{"seats":2,"tier":"1","together":true}}`)
	for _, c := range []struct {
		call call
		bad  bool
	}{
		{call{method: "POST", path: "/api/session", body: `{"role":"fan"}`}, false},
		{call{method: "POST", path: event + "/holds", session: fan, body: `{"best":{"seats":1}}`}, false},
		{call{method: "POST", path: event + "/holds", session: fan, body: `{"seat":"x"}`}, true},
		{call{method: "POST", path: event + "/holds", session: fan, key: "-", body: `{"best":{"seats":1}}`}, true},
		{call{method: "POST", path: event + "/orders", session: fan, body: `{"hold":"` + h.Hold + `","source":"tok_ok"}`}, false},
		{call{method: "POST", path: event + "/orders", session: fan, body: `{"hold":"` + h.Hold + `"}`}, true},
		{call{method: "GET", path: "/api/orders", session: fan}, false},
		{call{method: "GET", path: "/api/orders"}, true},
	} {
		a := s.do(c.call)
		ok, why := described.Allows(t, s.request(c.call))
		if ok == c.bad || (a.status < 300) == c.bad {
			t.Errorf("%s %s %s: %d, and the file allows it: %v %s", c.call.method, c.call.path, c.call.body, a.status, ok, why)
		}
	}
}
