package media

import (
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"designkits/cases/messaging"
)

// A Grant is the right to upload one blob. The device keeps it, signed, and shows
// it with each step, so that the server remembers nothing of an upload under way.
type Grant struct {
	ID     ID
	Upload string // the store's name of the upload
	Owner  messaging.UserID
	Parts  []Part
	Until  time.Time
}

// ErrNoGrant is of a grant that isn't ours, isn't this person's or blob's, or has ended.
var ErrNoGrant = errors.New("this is no grant for this upload, or it has ended: begin a new one")

// Grants signs and checks grants.
type Grants struct {
	Secret []byte
	Now    func() time.Time
}

const issuer = "messaging/upload"

type claims struct {
	jwt.RegisteredClaims
	Upload string `json:"upload"`
	Size   int64  `json:"size"`
	Kind   string `json:"kind"`
	Sums   []byte `json:"sums"` // one after the other
}

// Sign returns the text of a grant for a blob of that size and type.
func (g Grants) Sign(grant Grant, size int64, kind string) (string, error) {
	c := claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Subject: string(grant.Owner), ID: string(grant.ID), ExpiresAt: jwt.NewNumericDate(grant.Until),
		},
		Upload: base64.RawURLEncoding.EncodeToString([]byte(grant.Upload)), Size: size, Kind: kind,
	}
	for _, p := range grant.Parts {
		c.Sums = append(c.Sums, p.SHA256...)
	}
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(g.Secret)
	if err != nil {
		return "", fmt.Errorf("sign a grant for %s: %w", grant.ID, err)
	}
	return text, nil
}

// Check returns the grant, or ErrNoGrant unless it is this person's for this blob.
func (g Grants) Check(text string, id ID, owner messaging.UserID) (Grant, error) {
	var c claims
	_, err := jwt.ParseWithClaims(text, &c, func(*jwt.Token) (any, error) { return g.Secret, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(issuer),
		jwt.WithSubject(string(owner)), jwt.WithTimeFunc(g.Now), jwt.WithExpirationRequired())
	if err != nil || c.ID != string(id) || !id.Valid() || len(c.Sums)%32 != 0 {
		return Grant{}, ErrNoGrant
	}
	upload, err := base64.RawURLEncoding.DecodeString(c.Upload)
	if err != nil {
		return Grant{}, ErrNoGrant
	}
	var sums [][]byte
	for rest := c.Sums; len(rest) > 0; rest = rest[32:] {
		sums = append(sums, rest[:32])
	}
	parts, err := Divide(c.Size, c.Kind, sums)
	if err != nil {
		return Grant{}, ErrNoGrant
	}
	return Grant{ID: id, Upload: string(upload), Owner: owner, Parts: parts, Until: c.ExpiresAt.Time}, nil
}
