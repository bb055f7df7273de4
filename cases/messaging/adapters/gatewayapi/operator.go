package gatewayapi

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"errors"
	"net/http"
	"time"

	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/operator"
	"designkits/shared/httpjson"
	"designkits/shared/peer"
	"designkits/shared/problem"
)

// OperatorOpenAPI describes what operators ask. A test holds it against the running
// gateway.
//
//go:embed operator.yaml
var OperatorOpenAPI []byte

// An Operator is what is shown to whom.
type Operator struct {
	Secret string // who knows it is one; "" lets nobody in
	View   func(context.Context) (operator.View, error)
}

var (
	errSecret = errors.New("this isn't the operator's secret")
	errTries  = errors.New("too many tries of the secret within a minute: wait a little before the next")
)

// operatorRoutes are those of operators alone.
func (s *Server) operatorRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST /api/operator/session", s.answer(s.operatorSession))
	mux.HandleFunc("GET /api/operator", s.answer(s.view))
	mux.HandleFunc("GET /api/operator/openapi.yaml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(OperatorOpenAPI) // the client may have gone
	})
}

// answer bounds a request, and answers its error as a problem.
func (s *Server) answer(serve func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), admitWithin)
		defer cancel()
		if err := serve(w, r.WithContext(ctx)); err != nil {
			s.refuse(w, r, err)
		}
	}
}

// operatorSession lets in who knows the secret. The tries of an address are counted,
// where that can be done.
func (s *Server) operatorSession(w http.ResponseWriter, r *http.Request) error {
	network := peer.Network(peer.Address(r, s.cfg.Trusted)).String()
	if err := s.count(r.Context(), "operator:"+network, operatorTries); err != nil {
		return errTries
	}
	var body struct {
		Secret string `json:"secret"`
	}
	if err := httpjson.Read(w, r, 1<<10, &body); err != nil {
		return err
	}
	// Hashed, so that the time tells not even how long it is.
	got, want := sha256.Sum256([]byte(body.Secret)), sha256.Sum256([]byte(s.cfg.Operator.Secret))
	if s.cfg.Operator.Secret == "" || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		return errSecret
	}
	token, until, err := s.cfg.Tokens.SignOperator()
	if err != nil {
		return err
	}
	return httpjson.Write(w, http.StatusCreated, map[string]any{"token": token, "until": until.Truncate(time.Second).UTC()})
}

// operatorTries is how often an address may try the secret in a minute.
const operatorTries = 10

func (s *Server) view(w http.ResponseWriter, r *http.Request) error {
	if err := s.cfg.Tokens.OfOperator(r); err != nil {
		return err
	}
	v, err := s.cfg.Operator.View(r.Context())
	if err != nil {
		return err
	}
	return httpjson.Write(w, http.StatusOK, v)
}

// operatorProblem says what is wrong with what an operator asks, if it is that.
func operatorProblem(err error) (p problem.Problem, ok bool) {
	switch {
	case errors.Is(err, errSecret):
		return problem.Problem{Type: "/problems/secret", Title: "The secret is another", Status: http.StatusForbidden, Detail: errSecret.Error()}, true
	case errors.Is(err, errTries):
		return problem.Problem{Type: "/problems/too-often", Title: "Too many tries", Status: http.StatusTooManyRequests, Detail: errTries.Error(), RetryAfter: 30 * time.Second}, true
	case errors.Is(err, identity.ErrNoOperator):
		return problem.Problem{Type: "/problems/no-token", Title: "An operator's token is needed", Status: http.StatusUnauthorized, Detail: identity.ErrNoOperator.Error()}, true
	}
	return httpjson.ProblemOf(err)
}
