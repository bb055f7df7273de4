package identity_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"designkits/cases/messaging"
	"designkits/cases/messaging/identity"
)

var (
	start  = time.Date(2026, 11, 26, 14, 0, 0, 0, time.UTC)
	secret = []byte("a secret of the tests")
	tokens = at(start)
	ana    = messaging.Address{User: "u0123456789abcdef", Device: 2}
	ben    = messaging.Address{User: "u0000000000000000", Device: 1}
)

func at(now time.Time) identity.Tokens {
	return identity.Tokens{Secret: secret, Now: func() time.Time { return now }}
}

func sign(t *testing.T, a messaging.Address) string {
	t.Helper()
	token, _, err := tokens.Sign(a)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func signResume(t *testing.T, a messaging.Address) string {
	t.Helper()
	token, err := tokens.SignResume(a)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestATokenNamesItsDeviceForItsTime(t *testing.T) {
	for name, c := range map[string]struct {
		token string
		lasts time.Duration
		check func(identity.Tokens, string) (identity.Session, error)
	}{
		"of a device": {sign(t, ana), identity.DeviceFor, identity.Tokens.Check},
		"to resume":   {signResume(t, ana), identity.ResumeFor, identity.Tokens.CheckResume},
	} {
		got, err := c.check(at(start.Add(c.lasts-time.Second)), c.token)
		if err != nil || got.Device != ana || !got.Since.Equal(start) || !got.Until.Equal(start.Add(c.lasts)) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if _, err := c.check(at(start.Add(c.lasts+time.Second)), c.token); !errors.Is(err, identity.ErrExpired) {
			t.Errorf("%s, later than that: %v", name, err)
		}
	}
}

func TestATokenIsRenewedOnceItIsADayOld(t *testing.T) {
	session, err := tokens.Check(sign(t, ana))
	if err != nil {
		t.Fatal(err)
	}
	if token, err := at(start.Add(identity.RenewAfter - time.Second)).Renew(session); token != "" || err != nil {
		t.Errorf("sooner: %q, %v", token, err)
	}
	now := start.Add(identity.RenewAfter)
	token, err := at(now).Renew(session)
	if err != nil {
		t.Fatal(err)
	}
	got, err := at(now).Check(token)
	if err != nil || got.Device != ana || !got.Until.Equal(now.Add(identity.DeviceFor)) {
		t.Errorf("%+v, %v", got, err)
	}
	resumed, err := tokens.CheckResume(signResume(t, ana))
	if err != nil {
		t.Fatal(err)
	}
	if token, err := at(now).Renew(resumed); token != "" || err != nil {
		t.Errorf("a resume token: %q, %v", token, err)
	}
}

// Two resume tokens of the same moment are two: each brings back one connection.
func TestResumeTokensDiffer(t *testing.T) {
	one, err := tokens.CheckResume(signResume(t, ana))
	if err != nil {
		t.Fatal(err)
	}
	other, err := tokens.CheckResume(signResume(t, ana))
	if err != nil || one.Once == "" || one.Once == other.Once {
		t.Errorf("%q and %q, %v", one.Once, other.Once, err)
	}
}

func TestForgedTokensAreRefused(t *testing.T) {
	made := func(method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
		token, err := jwt.NewWithClaims(method, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	with := func(change func(jwt.MapClaims)) jwt.MapClaims {
		c := jwt.MapClaims{"iss": "messaging/device", "sub": string(ana.User), "dev": 2, "iat": start.Unix(), "exp": start.Add(time.Hour).Unix()}
		change(c)
		return c
	}
	good := with(func(jwt.MapClaims) {})
	if _, err := tokens.Check(made(jwt.SigningMethodHS256, secret, good)); err != nil {
		t.Fatalf("the control is refused: %v", err)
	}
	parts := func(token string) []string { return strings.Split(token, ".") }
	own, others := sign(t, ana), sign(t, ben)
	for name, token := range map[string]string{
		"none":                       "",
		"nonsense":                   "a.b.c",
		"of another secret":          made(jwt.SigningMethodHS256, []byte("another"), good),
		"not signed":                 made(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good),
		"of another method":          made(jwt.SigningMethodHS384, secret, good),
		"without an end":             made(jwt.SigningMethodHS256, secret, with(func(c jwt.MapClaims) { delete(c, "exp") })),
		"without a beginning":        made(jwt.SigningMethodHS256, secret, with(func(c jwt.MapClaims) { delete(c, "iat") })),
		"of nobody":                  made(jwt.SigningMethodHS256, secret, with(func(c jwt.MapClaims) { delete(c, "sub") })),
		"of no account's form":       made(jwt.SigningMethodHS256, secret, with(func(c jwt.MapClaims) { c["sub"] = "ana" })),
		"of no device":               made(jwt.SigningMethodHS256, secret, with(func(c jwt.MapClaims) { c["dev"] = 0 })),
		"a resume token":             signResume(t, ana),
		"one with another's claims":  parts(own)[0] + "." + parts(others)[1] + "." + parts(own)[2],
		"a device token with a name": made(jwt.SigningMethodHS256, secret, with(func(c jwt.MapClaims) { c["jti"] = "x" })),
	} {
		if got, err := tokens.Check(token); !errors.Is(err, identity.ErrNoToken) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if got, err := tokens.CheckResume(own); !errors.Is(err, identity.ErrNoToken) {
		t.Errorf("a device token to resume with: %+v, %v", got, err)
	}
	nameless := made(jwt.SigningMethodHS256, secret, with(func(c jwt.MapClaims) { c["iss"] = "messaging/resume" }))
	if got, err := tokens.CheckResume(nameless); !errors.Is(err, identity.ErrNoToken) {
		t.Errorf("a resume token that could be used for ever: %+v, %v", got, err)
	}
}

func TestAHandshakeShowsItsToken(t *testing.T) {
	device, resume := sign(t, ana), signResume(t, ben)
	for name, c := range map[string]struct {
		protocols []string
		header    string
		want      messaging.Address
	}{
		"among the subprotocols":            {[]string{"messaging.v1, bearer." + device}, "", ana},
		"in a field of its own":             {[]string{"messaging.v1", identity.Bearer(device)}, "", ana},
		"to resume":                         {[]string{"messaging.v1, " + identity.Resume(resume)}, "", ben},
		"in a header":                       {[]string{"messaging.v1"}, "Bearer " + device, ana},
		"a resume token isn't a bearer's":   {[]string{identity.Bearer(resume)}, "", messaging.Address{}},
		"a bad one isn't made good by one":  {[]string{"bearer.x"}, "Bearer " + device, messaging.Address{}},
		"in another scheme":                 {nil, "Basic " + device, messaging.Address{}},
		"nowhere":                           {[]string{"messaging.v1"}, "", messaging.Address{}},
		"a resume token in a header, never": {nil, "Bearer " + resume, messaging.Address{}},
	} {
		r := httptest.NewRequest(http.MethodGet, "/connect", nil)
		r.Header["Sec-Websocket-Protocol"] = c.protocols
		if c.header != "" {
			r.Header.Set("Authorization", c.header)
		}
		got, err := tokens.OfHandshake(r)
		if got.Device != c.want || (err == nil) != (c.want.Device != 0) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
