package identity

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// An operator's token ends soon, since nobody can take it back.
const (
	OperatorFor = 30 * time.Minute
	ofOperator  = "messaging/operator"
)

// ErrNoOperator is of who shows no operator's token, or one that has ended.
var ErrNoOperator = errors.New("this isn't an operator's token, or it has ended: POST /api/operator/session makes one")

// SignOperator returns a token for an operator, and when it ends.
func (t Tokens) SignOperator() (token string, until time.Time, err error) {
	until = t.Now().Add(OperatorFor)
	token, err = jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{Issuer: ofOperator, ExpiresAt: jwt.NewNumericDate(until)}).SignedString(t.Secret)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign an operator's token: %w", err)
	}
	return token, until, nil
}

// OfOperator is nil of a request that shows an operator's token as "Authorization:
// Bearer TOKEN", else ErrNoOperator.
func (t Tokens) OfOperator(r *http.Request) error {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	_, err := jwt.Parse(token, func(*jwt.Token) (any, error) { return t.Secret, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(ofOperator),
		jwt.WithTimeFunc(t.Now), jwt.WithExpirationRequired())
	if err != nil {
		return ErrNoOperator
	}
	return nil
}
