package httpapi_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"designkits/cases/messaging/media"
)

// What is refused of accounts, devices and keys leaves everything as it was, as far as
// anybody can see.
func TestARefusedRequestChangesNoAccountAndNoKey(t *testing.T) {
	s := newKeys(t, generous)
	ana, ben := s.account(), s.account()
	phone, gone := linkedOf(s.link(s.code(ana))), linkedOf(s.link(s.code(ana)))
	for _, d := range []signedIn{ana, phone, ben} {
		s.ask(d.Token, "PUT", "/api/prekeys", mustJSON(t, keysOf(1, 3))).want(http.StatusOK, "")
	}
	s.ask(ana.Token, "PUT", "/api/privacy", `{"presence":"nobody"}`).want(http.StatusNoContent, "")
	s.ask(ana.Token, "DELETE", "/api/devices/"+fmt.Sprint(gone.Device.Device), "").want(http.StatusNoContent, "")
	key := rand.Text()
	s.ask(ben.Token, "POST", "/api/prekeys/claim", fmt.Sprintf(`{"users":[%q]}`, ana.User), "Idempotency-Key", key).want(http.StatusOK, "")
	free := newName()
	state := func() string {
		var b strings.Builder
		for _, d := range []signedIn{ana, phone, ben} {
			for _, path := range []string{"/api/devices", "/api/privacy", "/api/prekeys", "/api/users/" + ana.Name, "/api/users/" + ben.Name} {
				fmt.Fprintln(&b, d.Device, path, s.ask(d.Token, "GET", path, "").want(http.StatusOK, "").text)
			}
		}
		s.ask(ana.Token, "GET", "/api/users/"+free, "").want(http.StatusNotFound, "not-found")
		return b.String()
	}
	with := func(member string, value any) string {
		keys := keysOf(101, 2)
		keys[member] = value
		return mustJSON(t, keys)
	}
	before := state()
	for _, c := range []struct {
		name, token, method, path, body string
		status                          int
		slug                            string
		headers                         []string
	}{
		{"an account with another's name", "", "POST", "/api/accounts", fmt.Sprintf(`{"name":%q,"deviceName":"mine"}`, ana.Name), 409, "taken", nil},
		{"an account with a device that can't be called so", "", "POST", "/api/accounts", fmt.Sprintf(`{"name":%q,"deviceName":"a\nb"}`, free), 422, "invalid", nil},
		{"an account from another site's page", "", "POST", "/api/accounts", fmt.Sprintf(`{"name":%q}`, free), 403, "cross-origin", []string{"Sec-Fetch-Site", "cross-site"}},
		{"a device by a guessed code", "", "POST", "/api/devices", `{"code":"000000000","deviceName":"a tablet"}`, 404, "not-found", nil},
		{"another's device signed out", ben.Token, "DELETE", "/api/devices/2", "", 404, "not-found", nil},
		{"a device signed out that isn't", ana.Token, "DELETE", "/api/devices/7", "", 404, "not-found", nil},
		{"a device signed out by nobody", "", "DELETE", "/api/devices/1", "", 401, "no-token", nil},
		{"a device signed out by one that was", gone.Token, "DELETE", "/api/devices/1", "", 401, "signed-out", nil},
		{"a device signed out from another site's page", ana.Token, "DELETE", "/api/devices/2", "", 403, "cross-origin", []string{"Sec-Fetch-Site", "cross-site"}},
		{"a privacy that there isn't", ana.Token, "PUT", "/api/privacy", `{"presence":"friends"}`, 422, "invalid", nil},
		{"a privacy of one that was signed out", gone.Token, "PUT", "/api/privacy", `{"presence":"everybody"}`, 401, "signed-out", nil},
		{"keys of one that was signed out", gone.Token, "PUT", "/api/prekeys", mustJSON(t, keysOf(101, 2)), 401, "signed-out", nil},
		{"keys without an identity", ana.Token, "PUT", "/api/prekeys", with("identityKey", nil), 422, "invalid", nil},
		{"keys with one of 5 KB behind good ones", ana.Token, "PUT", "/api/prekeys", with("oneTime", []any{
			keysOf(101, 1)["oneTime"].([]any)[0], map[string]any{"id": 102, "key": make([]byte, 5<<10)}}), 422, "invalid", nil},
		{"more keys than go at once", ana.Token, "PUT", "/api/prekeys", mustJSON(t, keysOf(101, 101)), 422, "invalid", nil},
		{"keys with a member that there isn't", ana.Token, "PUT", "/api/prekeys", with("user", ben.User), 400, "malformed", nil},
		{"a claim by nobody", "", "POST", "/api/prekeys/claim", fmt.Sprintf(`{"users":[%q]}`, ana.User), 401, "no-token", nil},
		{"a claim of somebody and of what is no id", ben.Token, "POST", "/api/prekeys/claim", fmt.Sprintf(`{"users":[%q,"ana"]}`, ana.User), 422, "invalid", nil},
		{"a claim under the key of another", ben.Token, "POST", "/api/prekeys/claim", fmt.Sprintf(`{"users":[%q,%q]}`, ana.User, ben.User), 422, "key-reused", []string{"Idempotency-Key", key}},
	} {
		s.ask(c.token, c.method, c.path, c.body, c.headers...).want(c.status, c.slug)
		if after := state(); after != before {
			t.Fatalf("%s was refused, and it was\n%sand is\n%s", c.name, before, after)
		}
	}
	// The control: what isn't refused is seen.
	s.ask(ben.Token, "POST", "/api/prekeys/claim", fmt.Sprintf(`{"users":[%q]}`, ana.User)).want(http.StatusOK, "")
	if state() == before {
		t.Error("a claim changes nothing that this test sees")
	}
}

// What is refused of media leaves the parts that are there, and the blobs, as they were.
func TestARefusedRequestChangesNoMedia(t *testing.T) {
	s, _, person := newMedia(t, generous)
	ana, ben := person(), person()
	blob, key := bytes.Repeat([]byte("half of it "), media.PartSize/11+2), rand.Text()
	var half, whole, other upload
	s.ask(ana.Token, "POST", "/api/media", announcement(t, blob), "Idempotency-Key", key).want(http.StatusCreated, "").into(&half)
	s.ask(ana.Token, "POST", "/api/media", announcement(t, []byte("all of it"))).want(http.StatusCreated, "").into(&whole)
	s.ask(ana.Token, "POST", "/api/media", announcement(t, []byte("another"))).want(http.StatusCreated, "").into(&other)
	for _, put := range []struct {
		part signed
		body []byte
	}{{half.Missing[1], partOf(blob, 1)}, {whole.Missing[0], []byte("all of it")}} {
		if status, text := do(t, put.part, put.body); status != http.StatusOK {
			t.Fatalf("%d %s", status, text)
		}
	}
	of := func(u upload, rest string) string { return "/api/media/" + string(u.ID) + rest }
	s.ask(ana.Token, "POST", of(whole, "/complete"), "", "Upload-Grant", whole.Grant).want(http.StatusNoContent, "")
	state := func() string {
		var b strings.Builder
		for _, u := range []upload{half, other} {
			var now upload
			s.ask(ana.Token, "GET", of(u, "/parts"), "", "Upload-Grant", u.Grant).want(http.StatusOK, "").into(&now)
			fmt.Fprint(&b, u.ID, " has ", now.Have, " parts, missing")
			for _, m := range now.Missing {
				fmt.Fprint(&b, " ", m.Number)
			}
			s.ask(ben.Token, "GET", of(u, ""), "").want(http.StatusNotFound, "not-found")
		}
		var get signed
		s.ask(ben.Token, "GET", of(whole, ""), "").want(http.StatusOK, "").into(&get)
		status, text := do(t, get, nil)
		fmt.Fprintf(&b, "; %s is answered with %d %q", whole.ID, status, text)
		return b.String()
	}
	before := state()
	large := map[string]any{"size": media.Most["thumbnail"] + 1, "type": "thumbnail", "sha256": sumsOf(blob)}
	for _, c := range []struct {
		name, token, path, body, grant string
		status                         int
		slug                           string
		headers                        []string
	}{
		{"an upload by nobody", "", "/api/media", announcement(t, blob), "", 401, "no-token", nil},
		{"an upload that is too large", ana.Token, "/api/media", mustJSON(t, large), "", 422, "invalid", nil},
		{"another upload under the key of one", ana.Token, "/api/media", announcement(t, []byte("another still")), "", 422, "key-reused", []string{"Idempotency-Key", key}},
		{"the end of half an upload", ana.Token, of(half, "/complete"), "", half.Grant, 409, "incomplete", nil},
		{"the end of an upload of which nothing is there", ana.Token, of(other, "/complete"), "", other.Grant, 409, "incomplete", nil},
		{"the end of another's upload", ben.Token, of(half, "/complete"), "", half.Grant, 403, "no-grant", nil},
		{"the end of an upload by another's grant", ana.Token, of(half, "/complete"), "", whole.Grant, 403, "no-grant", nil},
		{"the end of an upload without a grant", ana.Token, of(half, "/complete"), "", "", 403, "no-grant", nil},
		{"the end of an upload by nobody", "", of(half, "/complete"), "", half.Grant, 401, "no-token", nil},
		{"the end of an upload, with a body", ana.Token, of(whole, "/complete"), `{"size":1}`, whole.Grant, 400, "malformed", nil},
		{"half a blob sent", ana.Token, of(half, "/used"), "", "", 404, "not-found", nil},
		{"a blob sent by nobody", "", of(whole, "/used"), "", "", 401, "no-token", nil},
		{"an upload from another site's page", ana.Token, of(half, "/complete"), "", half.Grant, 403, "cross-origin", []string{"Sec-Fetch-Site", "cross-site"}},
	} {
		headers := c.headers
		if c.grant != "" {
			headers = append(headers, "Upload-Grant", c.grant)
		}
		s.ask(c.token, "POST", c.path, c.body, headers...).want(c.status, c.slug)
		if after := state(); after != before {
			t.Fatalf("%s was refused, and it was\n%s\nand is\n%s", c.name, before, after)
		}
	}
	// What is put to the store itself: bytes that aren't what was signed, or elsewhere.
	elsewhere := half.Missing[1]
	elsewhere.URL = strings.Replace(elsewhere.URL, string(half.ID), string(other.ID), 1)
	for name, put := range map[string]struct {
		part signed
		body []byte
	}{
		"a part with other bytes":    {half.Missing[1], []byte("other bytes of it")},
		"a part of another blob":     {elsewhere, partOf(blob, 1)},
		"a blob without a signature": {signed{Method: "PUT", URL: strings.SplitN(whole.Missing[0].URL, "?", 2)[0]}, []byte("mine")},
		"a part of a whole blob":     {whole.Missing[0], []byte("all of it")},
	} {
		if status, text := do(t, put.part, put.body); status/100 == 2 {
			t.Errorf("%s: %d %s", name, status, text)
		}
		if after := state(); after != before {
			t.Fatalf("%s was refused, and it was\n%s\nand is\n%s", name, before, after)
		}
	}
	// The control.
	if status, text := do(t, half.Missing[0], partOf(blob, 0)); status != http.StatusOK || state() == before {
		t.Errorf("%d %s: a part that is put changes nothing that this test sees", status, text)
	}
}
