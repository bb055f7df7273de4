// Package openapitest holds an API's tests against its OpenAPI file: that the
// file is valid, which operations it has, and that each answer is as it says.
package openapitest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
)

// A File is an OpenAPI file. It may be used by many tests at once.
type File struct {
	read func() (libopenapi.Document, validator.Validator, error)
}

// Of returns the file of that text. It is read once, by the first test.
func Of(text []byte) File {
	type parts struct {
		document  libopenapi.Document
		validator validator.Validator
	}
	read := sync.OnceValues(func() (parts, error) {
		document, err := libopenapi.NewDocument(text)
		if err != nil {
			return parts{}, fmt.Errorf("read the OpenAPI file: %w", err)
		}
		v, errs := validator.NewValidator(document)
		if len(errs) > 0 {
			return parts{}, fmt.Errorf("read the OpenAPI file: %w", errs[0])
		}
		return parts{document, v}, nil
	})
	return File{func() (libopenapi.Document, validator.Validator, error) {
		p, err := read()
		return p.document, p.validator, err
	}}
}

func (f File) open(t testing.TB) (libopenapi.Document, validator.Validator) {
	t.Helper()
	document, v, err := f.read()
	if err != nil {
		t.Fatal(err)
	}
	return document, v
}

// MustBeValid fails the test unless the file is what the standard asks for.
func (f File) MustBeValid(t testing.TB) {
	t.Helper()
	_, v := f.open(t)
	if ok, errs := v.ValidateDocument(); !ok {
		for _, e := range errs {
			t.Errorf("the OpenAPI file: %s: %s %v", e.Message, e.Reason, e.SchemaValidationErrors)
		}
	}
}

// Operations are "GET /api/links" and so on, sorted, as the file has them.
func (f File) Operations(t testing.TB) []string {
	t.Helper()
	document, _ := f.open(t)
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

// CheckAnswer fails the test unless the file allows the answer. The answer's body
// is read and put back.
func (f File) CheckAnswer(t testing.TB, req *http.Request, resp *http.Response) {
	t.Helper()
	_, v := f.open(t)
	if ok, errs := v.ValidateHttpResponse(req, resp); !ok {
		for _, e := range errs {
			t.Errorf("%s %s: the answer %d is not as the OpenAPI file says: %s: %s %v", req.Method, req.URL.Path, resp.StatusCode, e.Message, e.Reason, e.SchemaValidationErrors)
		}
	}
}

// Allows reports whether the file allows a request, and if not, why.
func (f File) Allows(t testing.TB, req *http.Request) (ok bool, why string) {
	t.Helper()
	_, v := f.open(t)
	ok, errs := v.ValidateHttpRequest(req)
	var all []string
	for _, e := range errs {
		all = append(all, e.Message+" "+e.Reason)
	}
	return ok, strings.Join(all, "; ")
}
