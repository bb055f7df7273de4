package gatewayapi

import (
	"net/http"
	"slices"
	"time"

	"github.com/rs/cors"
)

// fromOrigins lets a browser show the answers to pages that came from another gateway.
// That such a page may change anything is for who serves the request to say.
func (s *Server) fromOrigins(handler http.Handler) http.Handler {
	return cors.New(cors.Options{
		AllowOriginFunc: func(origin string) bool { return slices.Contains(s.cfg.Origins, origin) },
		AllowedMethods:  []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete},
		AllowedHeaders:  []string{"Authorization", "Content-Type", "Idempotency-Key", "Upload-Grant"},
		ExposedHeaders:  []string{"Retry-After"},
		MaxAge:          int((10 * time.Minute).Seconds()),
	}).Handler(handler)
}
