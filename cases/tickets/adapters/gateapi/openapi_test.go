package gateapi_test

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"designkits/cases/tickets/adapters/gateapi"
	"designkits/shared/openapitest"
)

var described = openapitest.Of(gateapi.OpenAPI)

// checkAnswer holds an answer against the OpenAPI file. It is called for every
// answer of the tests, but not for streams.
func checkAnswer(t *testing.T, req *http.Request, resp *http.Response, body []byte) {
	t.Helper()
	if req.URL.Path != "/api/room/e/x" { // asked for in vain
		resp.Body = io.NopCloser(bytes.NewReader(body))
		described.CheckAnswer(t, req, resp)
	}
}

func TestTheOpenAPIFileIsValidAndNamesTheRoutes(t *testing.T) {
	described.MustBeValid(t)
	said := described.Operations(t)
	if routes := slices.Sorted(slices.Values(gateapi.Routes())); !slices.Equal(routes, said) {
		t.Errorf("the server has\n%s\nthe file has\n%s", strings.Join(routes, "\n"), strings.Join(said, "\n"))
	}
	g := newScene(t).gate("one", false, nil)
	resp := g.do(t.Context(), newFan(t, "ann"), "GET", "/api/room/openapi.yaml", "")
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(text, gateapi.OpenAPI) {
		t.Errorf("%s: %d bytes, %v", resp.Status, len(text), err)
	}
}
