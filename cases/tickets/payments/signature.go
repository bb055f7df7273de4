package payments

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// SignatureHeader is the header of a Notice's signature:
// "t=1767225600,v1=…", the time of sending in seconds of the epoch and the
// HMAC-SHA256 of "1767225600.BODY" in hexadecimal.
const SignatureHeader = "Payment-Signature"

// Tolerance is how far the time of a signature may be from now. It bounds for
// how long somebody who has recorded a Notice can send it again; that a Notice
// comes twice must be harmless anyway.
const Tolerance = 5 * time.Minute

// The errors of Verify.
var (
	ErrForged = errors.New("the notice isn't signed by the provider")
	ErrStale  = errors.New("the notice was signed too long ago, or in the future")
)

// Sign returns the signature of a body that is sent now.
func Sign(secret, body []byte, now time.Time) string {
	seconds := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(seconds + ".")) // a hash never fails
	mac.Write(body)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// Verify returns the Notice in a body whose signature, the value of
// SignatureHeader, is the provider's and fresh. Else it returns ErrForged or
// ErrStale, and nothing of the body has been read.
func Verify(secret []byte, signature string, body []byte, now time.Time) (Notice, error) {
	text, _, _ := strings.Cut(strings.TrimPrefix(signature, "t="), ",")
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || len(secret) == 0 { // what is signed with nothing anybody can sign
		return Notice{}, ErrForged
	}
	signed := time.Unix(seconds, 0)
	// The whole header is compared, so that there is one way only to write it.
	if !hmac.Equal([]byte(signature), []byte(Sign(secret, body, signed))) {
		return Notice{}, ErrForged
	}
	if age := now.Sub(signed); age > Tolerance || age < -Tolerance {
		return Notice{}, fmt.Errorf("%w: at %s", ErrStale, signed.UTC().Format(time.RFC3339))
	}
	var n Notice
	if err := json.Unmarshal(body, &n); err != nil {
		return Notice{}, fmt.Errorf("read a notice: %w", err)
	}
	return n, nil
}
