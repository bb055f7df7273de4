package httpapi

import "net/http"

// Pattern returns that of the route that answers a request.
func (s *Server) Pattern(r *http.Request) string {
	_, pattern := s.mux.Handler(r)
	return pattern
}

// Patterns returns all routes, for the comparisons with the OpenAPI file and who may ask.
func (s *Server) Patterns() []string {
	var patterns []string
	for _, r := range s.routes {
		patterns = append(patterns, r.pattern)
	}
	return patterns
}
