package httpapi_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/httpapi"
	"designkits/cases/messaging/adapters/s3"
	"designkits/cases/messaging/media"
	"designkits/shared/openapitest"
	"designkits/shared/testenv"
)

// newMedia also returns a person's device.
func newMedia(t *testing.T, limits httpapi.Limits) (*scene, *s3.Store, func() signedIn) {
	t.Helper()
	cfg, _ := configure(t, limits)
	store, err := s3.Open(t.Context(), s3.Config{URL: "http://kit:kit-on-loopback@" + testenv.Addr(t, "s3"), Namespace: testenv.Namespace(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close(context.Background()) })
	api, err := httpapi.NewMedia(httpapi.MediaConfig{Config: cfg, Store: store, Grants: media.Grants{Secret: cfg.Tokens.Secret, Now: time.Now}})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, cfg, openapitest.Of(httpapi.MediaOpenAPI), api.Handler())
	return s, store, func() signedIn {
		a := messaging.Address{User: messaging.NewUserID(), Device: 1}
		token, _, err := s.tokens.Sign(a)
		if err != nil {
			t.Fatal(err)
		}
		return signedIn{User: a.User, Device: a, Token: token}
	}
}

type signed struct {
	Number int
	Method string
	URL    string
	Header http.Header
}

type upload struct {
	ID      media.ID
	Grant   string
	Have    int
	Missing []signed
}

func sumsOf(blob []byte) (sums [][]byte) {
	for part := range slices.Chunk(blob, media.PartSize) {
		sum := sha256.Sum256(part)
		sums = append(sums, sum[:])
	}
	return sums
}

func announcement(t *testing.T, blob []byte) string {
	return mustJSON(t, map[string]any{"size": len(blob), "type": "file", "sha256": sumsOf(blob)})
}

// do makes a signed request, as a device does that knows nothing else.
func do(t *testing.T, r signed, body []byte) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), r.Method, r.URL, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range r.Header {
		req.Header[name] = values
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, text
}

func partOf(blob []byte, number int) []byte {
	return blob[number*media.PartSize : min(len(blob), (number+1)*media.PartSize)]
}

func TestTheOpenAPIFileOfMediaNamesTheRoutes(t *testing.T) {
	s, _, _ := newMedia(t, generous)
	s.described.MustBeValid(t)
	if said := s.described.Operations(t); !slices.Equal(httpapi.MediaRoutes(), said) {
		t.Errorf("the server has\n%s\nthe file has\n%s", strings.Join(httpapi.MediaRoutes(), "\n"), strings.Join(said, "\n"))
	}
}

func TestABlobOf10MBGoesOnAfterABreakAndComesBack(t *testing.T) {
	s, _, person := newMedia(t, generous)
	ana, ben := person(), person()
	blob := make([]byte, 10<<20+17)
	_, _ = rand.Read(blob)
	key := rand.Text()
	var u, again upload
	s.ask(ana.Token, "POST", "/api/media", announcement(t, blob), "Idempotency-Key", key).want(http.StatusCreated, "").into(&u)
	s.ask(ana.Token, "POST", "/api/media", announcement(t, blob), "Idempotency-Key", key).want(http.StatusCreated, "").into(&again)
	if again.ID != u.ID || len(u.Missing) != 3 {
		t.Fatalf("begun was %s with %d parts, and then %s", u.ID, len(u.Missing), again.ID)
	}
	path := "/api/media/" + string(u.ID)
	if status, text := do(t, u.Missing[0], partOf(blob, 1)); status/100 == 2 {
		t.Errorf("another part's bytes: %d %s", status, text)
	}
	if status, text := do(t, u.Missing[1], partOf(blob, 1)); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	s.ask(ana.Token, "POST", path+"/complete", "", "Upload-Grant", u.Grant).want(http.StatusConflict, "incomplete")
	s.ask(ben.Token, "GET", path, "").want(http.StatusNotFound, "not-found")

	// The device was restarted: all it has is the grant.
	var rest upload
	s.ask(ana.Token, "GET", path+"/parts", "", "Upload-Grant", u.Grant).want(http.StatusOK, "").into(&rest)
	if rest.Have != 1 || len(rest.Missing) != 2 {
		t.Fatalf("%d parts are there, %d missing", rest.Have, len(rest.Missing))
	}
	for _, m := range rest.Missing {
		if status, text := do(t, m, partOf(blob, m.Number)); status != http.StatusOK {
			t.Fatalf("part %d: %d %s", m.Number, status, text)
		}
	}
	for range 2 {
		s.ask(ana.Token, "POST", path+"/complete", "", "Upload-Grant", u.Grant).want(http.StatusNoContent, "")
		s.ask(ana.Token, "POST", path+"/used", "").want(http.StatusNoContent, "")
	}
	var get signed
	s.ask(ben.Token, "GET", path, "").want(http.StatusOK, "").into(&get)
	if status, text := do(t, get, nil); status != http.StatusOK || !bytes.Equal(text, blob) {
		t.Errorf("%d, %d bytes, want the %d that were put", status, len(text), len(blob))
	}
}

func TestMediaIsRefusedToWhomItDoesNotBelong(t *testing.T) {
	s, _, person := newMedia(t, generous)
	ana, ben := person(), person()
	blob := []byte("ciphertext")
	var u, other upload
	s.ask(ana.Token, "POST", "/api/media", announcement(t, blob)).want(http.StatusCreated, "").into(&u)
	s.ask(ana.Token, "POST", "/api/media", announcement(t, []byte("another"))).want(http.StatusCreated, "").into(&other)
	path := "/api/media/" + string(u.ID)
	s.ask("", "POST", "/api/media", announcement(t, blob)).want(http.StatusUnauthorized, "no-token")
	s.ask("", "GET", path, "").want(http.StatusUnauthorized, "no-token")
	for _, grant := range []string{"x", other.Grant, u.Grant + "x"} {
		s.ask(ana.Token, "GET", path+"/parts", "", "Upload-Grant", grant).want(http.StatusForbidden, "no-grant")
	}
	s.ask(ben.Token, "GET", path+"/parts", "", "Upload-Grant", u.Grant).want(http.StatusForbidden, "no-grant")
	s.ask(ben.Token, "POST", path+"/complete", "", "Upload-Grant", u.Grant).want(http.StatusForbidden, "no-grant")
	s.ask(ana.Token, "POST", path+"/used", "").want(http.StatusNotFound, "not-found") // it isn't complete
	s.ask(ana.Token, "GET", "/api/media/"+string(media.NewID()), "").want(http.StatusNotFound, "not-found")
	s.ask(ana.Token, "GET", "/api/media/m0", "").want(http.StatusNotFound, "not-found")
	elsewhere := u.Missing[0]
	elsewhere.URL = strings.Replace(elsewhere.URL, string(u.ID), string(other.ID), 1)
	if status, text := do(t, elsewhere, blob); status != http.StatusForbidden {
		t.Errorf("a part put to another blob: %d %s", status, text)
	}
	tooLarge := map[string]any{"size": media.Most["thumbnail"] + 1, "type": "thumbnail", "sha256": sumsOf(blob)}
	s.ask(ana.Token, "POST", "/api/media", mustJSON(t, tooLarge)).want(http.StatusUnprocessableEntity, "invalid")
	if err := s.signOuts.SignOut(t.Context(), ana.Device); err != nil {
		t.Fatal(err)
	}
	s.ask(ana.Token, "GET", path+"/parts", "", "Upload-Grant", u.Grant).want(http.StatusUnauthorized, "signed-out")
}

func TestOrphansAreSweptAndWhatAMessagePointsToIsNot(t *testing.T) {
	s, store, person := newMedia(t, generous)
	ana := person()
	finished := func(text string, use bool) string {
		var u upload
		s.ask(ana.Token, "POST", "/api/media", announcement(t, []byte(text))).want(http.StatusCreated, "").into(&u)
		if status, said := do(t, u.Missing[0], []byte(text)); status != http.StatusOK {
			t.Fatalf("%d %s", status, said)
		}
		path := "/api/media/" + string(u.ID)
		s.ask(ana.Token, "POST", path+"/complete", "", "Upload-Grant", u.Grant).want(http.StatusNoContent, "")
		if use {
			s.ask(ana.Token, "POST", path+"/used", "").want(http.StatusNoContent, "")
		}
		return path
	}
	var never upload
	s.ask(ana.Token, "POST", "/api/media", announcement(t, []byte("never put"))).want(http.StatusCreated, "").into(&never)
	sent, orphan, sentToo := finished("sent", true), finished("an orphan", false), finished("sent too", true)
	for _, c := range []struct {
		after          time.Duration
		uploads, blobs int
	}{
		{time.Hour, 0, 0},
		{media.UploadFor + time.Hour, 1, 1},
		{media.UploadFor + time.Hour, 0, 0},
		{media.KeptFor + time.Hour, 0, 2},
	} {
		uploads, blobs, err := store.Sweep(t.Context(), time.Now().Add(c.after))
		if err != nil || uploads != c.uploads || blobs != c.blobs {
			t.Errorf("after %s %d uploads and %d blobs are swept (%v), want %d and %d", c.after, uploads, blobs, err, c.uploads, c.blobs)
		}
		if c.after < media.KeptFor {
			s.ask(ana.Token, "GET", sent, "").want(http.StatusOK, "")
			s.ask(ana.Token, "GET", sentToo, "").want(http.StatusOK, "")
		}
	}
	s.ask(ana.Token, "GET", orphan, "").want(http.StatusNotFound, "not-found")
	s.ask(ana.Token, "GET", sent, "").want(http.StatusNotFound, "not-found")
	s.ask(ana.Token, "GET", "/api/media/"+string(never.ID)+"/parts", "", "Upload-Grant", never.Grant).want(http.StatusNotFound, "not-found")
}
