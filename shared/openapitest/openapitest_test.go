package openapitest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"designkits/shared/openapitest"
)

const text = `openapi: 3.1.0
info: { title: Test, version: "1" }
paths:
  /things:
    get:
      parameters:
        - { name: limit, in: query, schema: { type: integer, minimum: 1 } }
      responses:
        "200":
          description: all
          content:
            application/json:
              schema: { type: object, required: [n], properties: { n: { type: integer } } }
`

// A watched test keeps what it is told.
type watched struct {
	testing.TB
	failed bool
}

func (w *watched) Errorf(string, ...any) { w.failed = true }

func TestAnswersAndRequestsAreHeldAgainstTheFile(t *testing.T) {
	file := openapitest.Of([]byte(text))
	file.MustBeValid(t)
	if got := file.Operations(t); !slices.Equal(got, []string{"GET /things"}) {
		t.Errorf("operations %v", got)
	}
	for body, ok := range map[string]bool{`{"n":1}`: true, `{"n":"1"}`: false, `{}`: false} {
		req := httptest.NewRequest(http.MethodGet, "/things", nil)
		w := &watched{TB: t}
		file.CheckAnswer(w, req, &http.Response{
			StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: req,
		})
		if w.failed == ok {
			t.Errorf("the answer %s: allowed %v", body, !w.failed)
		}
	}
	for path, want := range map[string]bool{"/things?limit=2": true, "/things?limit=0": false, "/nothing": false} {
		if ok, why := file.Allows(t, httptest.NewRequest(http.MethodGet, path, nil)); ok != want {
			t.Errorf("%s: allowed %v %s", path, ok, why)
		}
	}
}
