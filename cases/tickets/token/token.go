// Package token signs what the sale hands out and takes back, be it a session, a
// pass or a receipt: a compact JWT (RFC 7519), signed by HMAC-SHA256.
//
// It makes and reads that one form. A library reads in a token's header by which
// method it claims to be signed, which forgers have made use of, and reading the
// header cost more than the signature does: each request shows a token, and half a
// million people come within a minute.
package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ErrForged is the error of what was not signed here.
var ErrForged = errors.New("this is no token of ours")

// head is {"alg":"HS256","typ":"JWT"}, which all tokens begin with.
const head = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."

// encoding refuses a last character with bits that mean nothing: of a token there
// is one form only.
var encoding = base64.RawURLEncoding.Strict()

// Sign returns the claims, which encoding/json encodes, as text that fits into a
// header or a URL.
func Sign(secret []byte, claims any) (string, error) {
	body, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode the claims of a token: %w", err)
	}
	text := make([]byte, 0, len(head)+encoding.EncodedLen(len(body))+1+encoding.EncodedLen(sha256.Size))
	text = append(text, head...)
	text = encoding.AppendEncode(text, body)
	signature := mac(secret, text)
	text = append(text, '.')
	return string(encoding.AppendEncode(text, signature)), nil
}

// Check reads the claims of a token that was signed with the secret, else it
// returns ErrForged. Whether they are good for anybody, now, is for the caller to
// see.
func Check(secret []byte, text string, claims any) error {
	end := strings.LastIndexByte(text, '.')
	if end < len(head) || !strings.HasPrefix(text, head) {
		return ErrForged
	}
	signature, err := encoding.DecodeString(text[end+1:])
	if err != nil || !hmac.Equal(signature, mac(secret, []byte(text[:end]))) {
		return ErrForged
	}
	body, err := encoding.DecodeString(text[len(head):end])
	if err == nil {
		err = json.Unmarshal(body, claims)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrForged, err)
	}
	return nil
}

func mac(secret, text []byte) []byte {
	hash := hmac.New(sha256.New, secret)
	hash.Write(text)
	return hash.Sum(nil)
}
