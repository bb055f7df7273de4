package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"designkits/cases/tickets/adapters/httpapi"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
)

// described is the OpenAPI file, read once.
var described = sync.OnceValues(func() (validator.Validator, error) {
	document, err := libopenapi.NewDocument(httpapi.OpenAPI)
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(document)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	return v, nil
})

// checkAnswer holds an answer against the OpenAPI file. What no route answers
// is not described, nor are methods that a route doesn't have.
func checkAnswer(t *testing.T, req *http.Request, resp *http.Response) {
	t.Helper()
	v, err := described()
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusMethodNotAllowed || nowhere(req.URL.Path) {
		return
	}
	if ok, errs := v.ValidateHttpResponse(req, resp); !ok {
		for _, e := range errs {
			t.Errorf("%s %s: the answer %d is not as the OpenAPI file says: %s: %s %v", req.Method, req.URL.Path, resp.StatusCode, e.Message, e.Reason, e.SchemaValidationErrors)
		}
	}
}

// nowhere reports whether a path is one that the tests ask for in vain.
func nowhere(path string) bool { return path == "/api/nothing" }

func TestOpenAPIFileIsValid(t *testing.T) {
	v, err := described()
	if err != nil {
		t.Fatal(err)
	}
	if ok, errs := v.ValidateDocument(); !ok {
		for _, e := range errs {
			t.Errorf("%s: %s %v", e.Message, e.Reason, e.SchemaValidationErrors)
		}
	}
}

// operations are "GET /api/links" and so on, as the file has them.
func operations(t *testing.T) []string {
	t.Helper()
	document, err := libopenapi.NewDocument(httpapi.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	model, err := document.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for path, item := range model.Model.Paths.PathItems.FromOldest() {
		for method := range item.GetOperations().FromOldest() {
			all = append(all, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(all)
	return all
}

func TestEveryRouteIsInTheOpenAPIFileAndTheOtherWayRound(t *testing.T) {
	var routes []string
	for _, pattern := range newScene(t).api.Patterns() {
		if pattern != "/api/" { // what no route answers
			routes = append(routes, pattern)
		}
	}
	slices.Sort(routes)
	if want := operations(t); !slices.Equal(routes, want) {
		t.Errorf("the server has\n%s\nthe file has\n%s", strings.Join(routes, "\n"), strings.Join(want, "\n"))
	}
}

// Requests that the API takes the file allows.
func TestTheFileAllowsWhatTheAPITakes(t *testing.T) {
	v, err := described()
	if err != nil {
		t.Fatal(err)
	}
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
		ok, errs := v.ValidateHttpRequest(s.request(c.call))
		if ok == c.bad || (a.status < 300) == c.bad {
			t.Errorf("%s %s %s: %d, and the file allows it: %v %v", c.call.method, c.call.path, c.call.body, a.status, ok, errs)
		}
	}
}
