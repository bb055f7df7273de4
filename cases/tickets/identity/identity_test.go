package identity_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"designkits/cases/tickets"
	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/room"
)

var (
	start    = time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	secret   = []byte("a secret of the tests")
	sessions = at(start)
)

func at(now time.Time) identity.Sessions {
	return identity.Sessions{Secret: secret, Now: func() time.Time { return now }}
}

func sign(t *testing.T, s identity.Sessions, account tickets.Account, role identity.Role) string {
	t.Helper()
	token, _, err := s.Sign(account, role)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestASessionNamesItsAccountAndRoleForItsTime(t *testing.T) {
	for role, lasts := range map[identity.Role]time.Duration{
		identity.Fan: 12 * time.Hour, identity.Organiser: 30 * time.Minute, identity.Door: 30 * time.Minute,
	} {
		token := sign(t, sessions, "ann", role)
		got, err := at(start.Add(lasts - time.Second)).Check(token)
		if want := (identity.Session{Account: "ann", Role: role, Until: start.Add(lasts)}); err != nil || got.Account != want.Account || got.Role != want.Role || !got.Until.Equal(want.Until) || !got.Since.Equal(start) {
			t.Errorf("%s: %+v, %v", role, got, err)
		}
		if _, err := at(start.Add(lasts + time.Second)).Check(token); !errors.Is(err, identity.ErrExpired) {
			t.Errorf("%s, later than that: %v", role, err)
		}
	}
}

func TestForgedSessionsAreRefused(t *testing.T) {
	made := func(method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
		token, err := jwt.NewWithClaims(method, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	with := func(change func(jwt.MapClaims)) jwt.MapClaims {
		c := jwt.MapClaims{"iss": "tickets/session", "sub": "ann", "role": "fan", "iat": start.Unix(), "exp": start.Add(time.Hour).Unix()}
		change(c)
		return c
	}
	good := with(func(jwt.MapClaims) {})
	if _, err := sessions.Check(made(jwt.SigningMethodHS256, secret, good)); err != nil {
		t.Fatalf("the control is refused: %v", err)
	}
	pass, _, err := room.Passes{Secret: secret, For: time.Hour, Now: sessions.Now}.Sign("e", "ann")
	if err != nil {
		t.Fatal(err)
	}
	fan, organiser := sign(t, sessions, "ann", identity.Fan), sign(t, sessions, "ann", identity.Organiser)
	parts := func(token string) []string { return strings.Split(token, ".") }
	for name, token := range map[string]string{
		"none":                        "",
		"nonsense":                    "a.b.c",
		"of another secret":           made(jwt.SigningMethodHS256, []byte("another"), good),
		"not signed":                  made(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good),
		"of another method":           made(jwt.SigningMethodHS384, secret, good),
		"without an end":              made(jwt.SigningMethodHS256, secret, with(func(c jwt.MapClaims) { delete(c, "exp") })),
		"without a beginning":         made(jwt.SigningMethodHS256, secret, with(func(c jwt.MapClaims) { delete(c, "iat") })),
		"of nobody":                   made(jwt.SigningMethodHS256, secret, with(func(c jwt.MapClaims) { delete(c, "sub") })),
		"of no role":                  made(jwt.SigningMethodHS256, secret, with(func(c jwt.MapClaims) { delete(c, "role") })),
		"of an unknown role":          made(jwt.SigningMethodHS256, secret, with(func(c jwt.MapClaims) { c["role"] = "owner" })),
		"for another purpose":         made(jwt.SigningMethodHS256, secret, with(func(c jwt.MapClaims) { c["iss"] = "tickets/hold" })),
		"a pass of the waiting room":  pass,
		"a fan with another's claims": parts(fan)[0] + "." + parts(organiser)[1] + "." + parts(fan)[2],
	} {
		if got, err := sessions.Check(token); !errors.Is(err, identity.ErrNoSession) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestARequestCarriesItsSession(t *testing.T) {
	ann, bob := sign(t, sessions, "ann", identity.Fan), sign(t, sessions, "bob", identity.Fan)
	for name, c := range map[string]struct {
		header, cookie string
		want           tickets.Account
	}{
		"in a header":                         {"Bearer " + ann, "", "ann"},
		"in a cookie":                         {"", ann, "ann"},
		"the header goes before the cookie":   {"bearer " + ann, bob, "ann"},
		"a bad header isn't made good by one": {"Bearer x", bob, ""},
		"in another scheme":                   {"Basic " + ann, "", ""},
		"nowhere":                             {"", "", ""},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if c.header != "" {
			r.Header.Set("Authorization", c.header)
		}
		if c.cookie != "" {
			r.AddCookie(&http.Cookie{Name: identity.Cookie, Value: c.cookie})
		}
		got, err := sessions.Of(r)
		if got.Account != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestTheCookieIsForThisSiteAlone(t *testing.T) {
	w := httptest.NewRecorder()
	identity.Set(w, "token", start)
	set := w.Header().Get("Set-Cookie")
	for _, want := range []string{"session=token", "HttpOnly", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(set, want) {
			t.Errorf("%s lacks %s", set, want)
		}
	}
}
