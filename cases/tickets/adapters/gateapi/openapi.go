package gateapi

import (
	_ "embed"
	"net/http"
)

// OpenAPI describes the API. A test holds it against the running server.
//
//go:embed openapi.yaml
var OpenAPI []byte

func (s *Server) openAPI(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(OpenAPI) // the client may have gone
	return nil
}
