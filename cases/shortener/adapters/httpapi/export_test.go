package httpapi

// What is left to an address without a key.
const (
	AnonymousBurst  = anonymousBurst
	AnonymousRefill = anonymousRefill
)

// Patterns returns all routes, for the comparison with the OpenAPI file.
func (s *Server) Patterns() []string {
	patterns := []string{"GET /{code}"}
	for _, r := range s.routes {
		patterns = append(patterns, r.pattern)
	}
	return patterns
}
