package httpapi

// Patterns returns all routes, for the comparison with the OpenAPI file.
func (s *Server) Patterns() []string {
	var patterns []string
	for _, r := range s.routes {
		patterns = append(patterns, r.pattern)
	}
	return patterns
}
