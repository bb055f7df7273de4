package httpapi_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/httpapi"
)

func TestTheOpenAPIFileOfKeysNamesTheRoutes(t *testing.T) {
	s := newKeys(t, generous)
	s.described.MustBeValid(t)
	if said := s.described.Operations(t); !slices.Equal(httpapi.KeysRoutes(), said) {
		t.Errorf("the server has\n%s\nthe file has\n%s", strings.Join(httpapi.KeysRoutes(), "\n"), strings.Join(said, "\n"))
	}
	if got := s.ask("", "GET", "/api/keys/openapi.yaml", ""); got.text != string(httpapi.KeysOpenAPI) {
		t.Errorf("%d, %d bytes", got.status, len(got.text))
	}
	s.ask("", "GET", "/api/nothing", "").want(http.StatusNotFound, "no-such-page")
}

// newName is one that nobody has.
func newName() string { return "n" + strings.ToLower(rand.Text()[:16]) }

func (s *scene) account() signedIn {
	s.t.Helper()
	return linkedOf(s.ask("", "POST", "/api/accounts", fmt.Sprintf(`{"name":%q}`, newName())))
}

// code asks for a link code.
func (s *scene) code(d signedIn) string {
	s.t.Helper()
	var c struct{ Code string }
	s.ask(d.Token, "POST", "/api/link-codes", "").want(http.StatusCreated, "").into(&c)
	return c.Code
}

func (s *scene) link(code string) answer {
	s.t.Helper()
	return s.ask("", "POST", "/api/devices", fmt.Sprintf(`{"code":%q,"deviceName":"a tablet"}`, code))
}

func keysOf(first, n int) map[string]any {
	key := func(id int) map[string]any {
		return map[string]any{"id": id, "key": append([]byte{5}, bytes.Repeat([]byte{byte(id)}, 32)...)}
	}
	signed := key(900)
	signed["signature"] = bytes.Repeat([]byte{7}, 64)
	oneTime := []any{}
	for id := first; id < first+n; id++ {
		oneTime = append(oneTime, key(id))
	}
	return map[string]any{"registrationId": 77, "identityKey": key(1)["key"], "signedPreKey": signed, "lastResort": key(16777215), "oneTime": oneTime}
}

type bundle struct {
	RegistrationID uint32
	PreKey         *struct{ ID uint32 }
}

func (s *scene) claim(d signedIn, users ...messaging.UserID) (bundles map[messaging.Address]bundle, missing []messaging.Address) {
	s.t.Helper()
	var all struct {
		Bundles map[messaging.Address]bundle
		Missing []messaging.Address
	}
	s.ask(d.Token, "POST", "/api/prekeys/claim", mustJSON(s.t, map[string]any{"users": users})).want(http.StatusOK, "").into(&all)
	return all.Bundles, all.Missing
}

func TestAPersonWithTwoDevicesIsFoundAndWrittenTo(t *testing.T) {
	s := newKeys(t, generous)
	ana, ben := s.account(), s.account()
	phone := linkedOf(s.link(s.code(ana)))
	if phone.User != ana.User || phone.Device.Device != 2 || phone.Name != ana.Name {
		t.Fatalf("linked was %+v to %+v", phone, ana)
	}
	var found struct {
		User    messaging.UserID
		Devices []messaging.Address
	}
	for _, by := range []string{strings.ToUpper(ana.Name), string(ana.User)} {
		s.ask(ben.Token, "GET", "/api/users/"+by, "").want(http.StatusOK, "").into(&found)
		if found.User != ana.User || !slices.Equal(found.Devices, []messaging.Address{ana.Device, phone.Device}) {
			t.Errorf("%s is %+v", by, found)
		}
	}
	var left struct {
		Left int
		Low  bool
	}
	s.ask(ana.Token, "PUT", "/api/prekeys", mustJSON(t, keysOf(1, httpapi.LowPrekeys))).want(http.StatusOK, "").into(&left)
	if left.Left != httpapi.LowPrekeys || left.Low {
		t.Errorf("after publishing %d: %+v", httpapi.LowPrekeys, left)
	}
	bundles, missing := s.claim(ben, ana.User, ben.User)
	got := bundles[ana.Device]
	if len(bundles) != 1 || got.RegistrationID != 77 || got.PreKey == nil || got.PreKey.ID > 100 || !slices.Equal(missing, []messaging.Address{phone.Device}) {
		t.Errorf("claimed were %+v, without %v", bundles, missing)
	}
	s.ask(ana.Token, "GET", "/api/prekeys", "").want(http.StatusOK, "").into(&left)
	if left.Left != httpapi.LowPrekeys-1 || !left.Low {
		t.Errorf("after a claim: %+v", left)
	}
}

func TestOfManyWhoClaimNoTwoGetTheSamePrekey(t *testing.T) {
	s := newKeys(t, generous)
	ana, ben := s.account(), s.account()
	const keys = 12
	s.ask(ana.Token, "PUT", "/api/prekeys", mustJSON(t, keysOf(1, keys))).want(http.StatusOK, "")
	var mu sync.Mutex
	given, lastResort := map[uint32]int{}, 0
	var all sync.WaitGroup
	for range keys + 4 {
		all.Go(func() {
			got := s.ask(ben.Token, "POST", "/api/prekeys/claim", fmt.Sprintf(`{"users":[%q]}`, ana.User))
			var c struct{ Bundles map[messaging.Address]bundle }
			if err := json.Unmarshal([]byte(got.text), &c); err != nil || got.status != http.StatusOK || c.Bundles[ana.Device].PreKey == nil {
				t.Errorf("%d %s", got.status, got.text)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if id := c.Bundles[ana.Device].PreKey.ID; id == 16777215 {
				lastResort++
			} else {
				given[id]++
			}
		})
	}
	all.Wait()
	for id, times := range given {
		if times > 1 {
			t.Errorf("prekey %d was given out %d times", id, times)
		}
	}
	if len(given) != keys || lastResort != 4 {
		t.Errorf("%d of %d prekeys were given out, and the last resort %d times, want 4", len(given), keys, lastResort)
	}
}

func TestAPOSTThatIsRepeatedIsCarriedOutOnce(t *testing.T) {
	s := newKeys(t, generous)
	key, body := rand.Text(), fmt.Sprintf(`{"name":%q}`, newName())
	ana := linkedOf(s.ask("", "POST", "/api/accounts", body, "Idempotency-Key", key))
	again := linkedOf(s.ask("", "POST", "/api/accounts", body, "Idempotency-Key", key))
	if again.Device != ana.Device {
		t.Errorf("%s became %s", ana.Device, again.Device)
	}
	s.ask("", "POST", "/api/accounts", body).want(http.StatusConflict, "taken")
	s.ask("", "POST", "/api/accounts", fmt.Sprintf(`{"name":%q}`, newName()), "Idempotency-Key", key).want(http.StatusUnprocessableEntity, "key-reused")
	s.ask("", "POST", "/api/accounts", body, "Idempotency-Key", "1").want(http.StatusUnprocessableEntity, "invalid")

	code := fmt.Sprintf(`{"code":%q}`, s.code(ana))
	phone := linkedOf(s.ask("", "POST", "/api/devices", code, "Idempotency-Key", key))
	if again := linkedOf(s.ask("", "POST", "/api/devices", code, "Idempotency-Key", key)); again.Device != phone.Device {
		t.Errorf("%s became %s", phone.Device, again.Device)
	}
	s.ask("", "POST", "/api/devices", code).want(http.StatusNotFound, "not-found")

	s.ask(ana.Token, "PUT", "/api/prekeys", mustJSON(t, keysOf(1, 5))).want(http.StatusOK, "")
	claim := fmt.Sprintf(`{"users":[%q]}`, ana.User)
	first := s.ask(phone.Token, "POST", "/api/prekeys/claim", claim, "Idempotency-Key", key).want(http.StatusOK, "")
	if again := s.ask(phone.Token, "POST", "/api/prekeys/claim", claim, "Idempotency-Key", key); again.text != first.text {
		t.Errorf("claimed was\n%sand then\n%s", first.text, again.text)
	}
	// Another's key of the same name is another key.
	s.ask(s.account().Token, "POST", "/api/prekeys/claim", fmt.Sprintf(`{"users":[%q,%q]}`, ana.User, ana.User), "Idempotency-Key", key).want(http.StatusOK, "")
}

func TestWhoIsSignedOutIsRefusedAtOnce(t *testing.T) {
	s := newKeys(t, generous)
	ana, ben := s.account(), s.account()
	phone := linkedOf(s.link(s.code(ana)))
	s.ask(phone.Token, "PUT", "/api/prekeys", mustJSON(t, keysOf(1, 3))).want(http.StatusOK, "")
	s.ask(ben.Token, "DELETE", "/api/devices/2", "").want(http.StatusNotFound, "not-found") // it isn't Ben's
	s.ask(ana.Token, "DELETE", "/api/devices/3", "").want(http.StatusNotFound, "not-found") // a number yet to be given
	for range 2 {
		s.ask(ana.Token, "DELETE", "/api/devices/2", "").want(http.StatusNoContent, "")
		s.ask(phone.Token, "GET", "/api/devices", "").want(http.StatusUnauthorized, "signed-out")
		s.ask(phone.Token, "PUT", "/api/prekeys", mustJSON(t, keysOf(1, 3))).want(http.StatusUnauthorized, "signed-out")
		s.ask(phone.Token, "POST", "/api/link-codes", "").want(http.StatusUnauthorized, "signed-out")
	}
	if bundles, missing := s.claim(ben, ana.User); len(bundles) != 0 || !slices.Equal(missing, []messaging.Address{ana.Device}) {
		t.Errorf("claimed were %v, without %v", bundles, missing)
	}
	if third := linkedOf(s.link(s.code(ana))); third.Device.Device != 3 {
		t.Errorf("the next device is %s", third.Device)
	}
}

// Redis may lose who was signed out; the account doesn't.
func TestATokenOfADeviceThatTheAccountDoesNotHaveIsGoodForNothing(t *testing.T) {
	s := newKeys(t, generous)
	ana := s.account()
	forged := messaging.Address{User: ana.User, Device: 7}
	token, _, err := s.tokens.Sign(forged)
	if err != nil {
		t.Fatal(err)
	}
	s.ask(token, "PUT", "/api/prekeys", mustJSON(t, keysOf(1, 3))).want(http.StatusUnauthorized, "signed-out")
	s.ask(token, "POST", "/api/link-codes", "").want(http.StatusUnauthorized, "signed-out")
	s.ask(token, "DELETE", "/api/devices/1", "").want(http.StatusUnauthorized, "signed-out")
	s.ask(token, "GET", "/api/users/"+ana.Name, "").want(http.StatusUnauthorized, "signed-out")
}

func TestBadRequestsAreRefused(t *testing.T) {
	s := newKeys(t, generous)
	ana := s.account()
	with := func(change func(map[string]any)) string {
		keys := keysOf(1, 2)
		change(keys)
		return mustJSON(t, keys)
	}
	for name, c := range map[string]struct {
		token, method, path, body string
		status                    int
		slug                      string
	}{
		"no token":               {"", "GET", "/api/devices", "", 401, "no-token"},
		"a forged token":         {"a.b.c", "GET", "/api/devices", "", 401, "no-token"},
		"no name":                {"", "POST", "/api/accounts", `{}`, 422, "invalid"},
		"a name of two scripts":  {"", "POST", "/api/accounts", `{"name":"аna"}`, 422, "invalid"},
		"a name like an id":      {"", "POST", "/api/accounts", `{"name":"` + string(ana.User) + `"}`, 422, "invalid"},
		"an unknown member":      {"", "POST", "/api/accounts", `{"name":"ana","user":"` + string(ana.User) + `"}`, 400, "malformed"},
		"no JSON":                {"", "POST", "/api/accounts", `name=ana`, 400, "malformed"},
		"a device name of lines": {"", "POST", "/api/accounts", `{"name":"` + newName() + `","deviceName":"a\nb"}`, 422, "invalid"},
		"a guessed code":         {"", "POST", "/api/devices", `{"code":"000000000"}`, 404, "not-found"},
		"half a code":            {"", "POST", "/api/devices", `{"code":"0000"}`, 422, "invalid"},
		"a person who isn't":     {ana.Token, "GET", "/api/users/" + newName(), "", 404, "not-found"},
		"an id that isn't":       {ana.Token, "GET", "/api/users/" + string(messaging.NewUserID()), "", 404, "not-found"},
		"a look-up by nobody":    {"", "GET", "/api/users/" + ana.Name, "", 401, "no-token"},
		"no identity":            {ana.Token, "PUT", "/api/prekeys", with(func(k map[string]any) { delete(k, "identityKey") }), 422, "invalid"},
		"no signature":           {ana.Token, "PUT", "/api/prekeys", with(func(k map[string]any) { delete(k["signedPreKey"].(map[string]any), "signature") }), 422, "invalid"},
		"a prekey of 5 KB":       {ana.Token, "PUT", "/api/prekeys", with(func(k map[string]any) { k["oneTime"].([]any)[1].(map[string]any)["key"] = make([]byte, 5<<10) }), 422, "invalid"},
		"a last resort of 5 KB":  {ana.Token, "PUT", "/api/prekeys", with(func(k map[string]any) { k["lastResort"].(map[string]any)["key"] = make([]byte, 5<<10) }), 422, "invalid"},
		"a key of 5 KB":          {ana.Token, "PUT", "/api/prekeys", with(func(k map[string]any) { k["identityKey"] = make([]byte, 5<<10) }), 422, "invalid"},
		"101 prekeys":            {ana.Token, "PUT", "/api/prekeys", mustJSON(t, keysOf(1, 101)), 422, "invalid"},
		"a megabyte":             {ana.Token, "PUT", "/api/prekeys", `{"identityKey":"` + strings.Repeat("A", 1<<20) + `"}`, 413, "too-large"},
		"a claim of nobody":      {ana.Token, "POST", "/api/prekeys/claim", `{"users":[]}`, 422, "invalid"},
		"a claim of 26":          {ana.Token, "POST", "/api/prekeys/claim", mustJSON(t, map[string]any{"users": make([]string, 26)}), 422, "invalid"},
		"a claim of a name":      {ana.Token, "POST", "/api/prekeys/claim", `{"users":["ana"]}`, 422, "invalid"},
	} {
		t.Run(name, func(t *testing.T) { s.ask(c.token, c.method, c.path, c.body).want(c.status, c.slug) })
	}
	s.ask(ana.Token, "DELETE", "/api/devices/1", "", "Sec-Fetch-Site", "cross-site").want(http.StatusForbidden, "cross-origin")
}

func TestLimitsAreOfAnAddressOrAnAccount(t *testing.T) {
	limits := generous
	limits.AccountsAnHour, limits.CodesAMinute, limits.ClaimsOfOneHour, limits.PublishesAnHour = 2, 3, 2, 2
	s := newKeys(t, limits)
	from := func(address string) answer {
		return s.ask("", "POST", "/api/accounts", fmt.Sprintf(`{"name":%q}`, newName()), "X-Forwarded-For", address)
	}
	ana, _ := linkedOf(from("203.0.113.1")), linkedOf(from("203.0.113.1"))
	if got := from("203.0.113.1").want(http.StatusTooManyRequests, "too-often"); got.header.Get("Retry-After") == "" {
		t.Error("it isn't said when to try again")
	}
	from("2001:db8::1").want(http.StatusCreated, "")
	from("2001:db8::2").want(http.StatusCreated, "")
	from("2001:db8::3").want(http.StatusTooManyRequests, "too-often") // the same customer's
	ben := linkedOf(from("203.0.113.2"))

	for range 3 {
		s.link("000000000").want(http.StatusNotFound, "not-found")
	}
	s.link(s.code(ana)).want(http.StatusTooManyRequests, "too-often") // also with the right one

	claim := fmt.Sprintf(`{"users":[%q]}`, ben.User)
	for range 2 {
		s.ask(ana.Token, "POST", "/api/prekeys/claim", claim).want(http.StatusOK, "")
	}
	s.ask(ana.Token, "POST", "/api/prekeys/claim", claim).want(http.StatusTooManyRequests, "too-often")

	keys := mustJSON(t, keysOf(1, 1))
	for range 2 {
		s.ask(ana.Token, "PUT", "/api/prekeys", keys).want(http.StatusOK, "")
	}
	if got := s.ask(ana.Token, "PUT", "/api/prekeys", keys).want(http.StatusTooManyRequests, "too-often"); got.header.Get("Retry-After") == "" {
		t.Error("it isn't said when to publish again")
	}
	s.ask(ben.Token, "PUT", "/api/prekeys", keys).want(http.StatusOK, "") // another device's
}

// A device that publishes on and on fills neither the store nor anybody's claim.
func TestADeviceMayHaveSoManyPrekeys(t *testing.T) {
	s := newKeys(t, generous)
	ana := s.account()
	var left struct{ Left int }
	publish := func(first, n int) answer {
		return s.ask(ana.Token, "PUT", "/api/prekeys", mustJSON(t, keysOf(first, n)))
	}
	for first := 1; first < messaging.MaxPrekeys; first += messaging.MaxOneTime {
		publish(first, messaging.MaxOneTime).want(http.StatusOK, "").into(&left)
	}
	var refused struct{ Field, Detail string }
	publish(messaging.MaxPrekeys+1, 1).want(http.StatusUnprocessableEntity, "invalid").into(&refused)
	if refused.Field != "oneTime" || !strings.Contains(refused.Detail, "publish 0 more") {
		t.Errorf("the problem is %+v", refused)
	}
	s.ask(ana.Token, "GET", "/api/prekeys", "").want(http.StatusOK, "").into(&left)
	if left.Left != messaging.MaxPrekeys {
		t.Errorf("%d prekeys are left, wanted %d", left.Left, messaging.MaxPrekeys)
	}
	publish(1, 0).want(http.StatusOK, "") // a new signed prekey takes no place
}

func TestAnOriginThatIsNoneIsRefused(t *testing.T) {
	for _, origin := range []string{"127.0.0.1:8141", "http://127.0.0.1:8141/two", "*"} {
		cfg := httpapi.Config{Origins: []string{origin}, Metrics: prometheus.NewRegistry()}
		if _, err := httpapi.NewMedia(httpapi.MediaConfig{Config: cfg}); err == nil || !strings.Contains(err.Error(), origin) {
			t.Errorf("%s: %v", origin, err)
		}
	}
}
