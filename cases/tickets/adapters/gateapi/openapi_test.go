package gateapi_test

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"designkits/cases/tickets/adapters/gateapi"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
)

// described is the OpenAPI file, read once.
var described = sync.OnceValues(func() (validator.Validator, error) {
	document, err := libopenapi.NewDocument(gateapi.OpenAPI)
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(document)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	return v, nil
})

// checkAnswer holds an answer against the OpenAPI file. It is called for every
// answer of the tests, but not for streams.
func checkAnswer(t *testing.T, req *http.Request, resp *http.Response, body []byte) {
	t.Helper()
	v, err := described()
	if err != nil {
		t.Fatal(err)
	}
	if req.URL.Path == "/api/room/e/x" { // asked for in vain
		return
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if ok, errs := v.ValidateHttpResponse(req, resp); !ok {
		for _, e := range errs {
			t.Errorf("%s %s: the answer %d is not as the OpenAPI file says: %s: %s %v", req.Method, req.URL.Path, resp.StatusCode, e.Message, e.Reason, e.SchemaValidationErrors)
		}
	}
}

func TestTheOpenAPIFileIsValidAndNamesTheRoutes(t *testing.T) {
	v, err := described()
	if err != nil {
		t.Fatal(err)
	}
	if ok, errs := v.ValidateDocument(); !ok {
		for _, e := range errs {
			t.Errorf("%s: %s %v", e.Message, e.Reason, e.SchemaValidationErrors)
		}
	}
	document, err := libopenapi.NewDocument(gateapi.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	model, err := document.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for path, item := range model.Model.Paths.PathItems.FromOldest() {
		for method := range item.GetOperations().FromOldest() {
			said = append(said, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(said)
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
