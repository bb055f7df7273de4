package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/httpapi"
)

// A person is one as they are looked up.
type person struct {
	User    messaging.UserID
	Name    string
	Devices []messaging.Address
}

func (s *scene) lookUpMany(d signedIn, users ...messaging.UserID) answer {
	s.t.Helper()
	return s.ask(d.Token, "POST", "/api/users/look-up", mustJSON(s.t, map[string]any{"users": users}))
}

// strangers are so many ids that nobody has.
func strangers(n int) []messaging.UserID {
	users := make([]messaging.UserID, n)
	for i := range users {
		users[i] = messaging.NewUserID()
	}
	return users
}

func TestManyPeopleAreFoundByTheirIDs(t *testing.T) {
	s := newKeys(t, generous)
	ana, ben, eve := s.account(), s.account(), s.account()
	phone := linkedOf(s.link(s.code(ana)))
	s.ask(eve.Token, "DELETE", "/api/devices/1", "").want(http.StatusNoContent, "") // and has none now
	var got struct{ People []person }
	asked := append(strangers(httpapi.MaxLookedUp-4), ana.User, eve.User, ben.User, ana.User)
	s.lookUpMany(ben, asked...).want(http.StatusOK, "").into(&got)
	want := []person{{ana.User, ana.Name, []messaging.Address{ana.Device, phone.Device}}, {ben.User, ben.Name, []messaging.Address{ben.Device}}, {eve.User, eve.Name, []messaging.Address{}}}
	slices.SortFunc(want, func(a, b person) int { return strings.Compare(string(a.User), string(b.User)) })
	if !slices.EqualFunc(got.People, want, func(a, b person) bool {
		return a.User == b.User && a.Name == b.Name && slices.Equal(a.Devices, b.Devices)
	}) {
		t.Errorf("found were\n%+v, want\n%+v", got.People, want)
	}
	s.lookUpMany(ben, strangers(1)...).want(http.StatusOK, "").into(&got)
	if len(got.People) > 0 {
		t.Errorf("of nobody: %+v", got.People)
	}
}

func TestALookUpOfManyThatCannotBeIsRefused(t *testing.T) {
	s := newKeys(t, generous)
	ana := s.account()
	for name, c := range map[string]struct {
		token, body string
		status      int
		slug        string
	}{
		"by nobody":                   {"", mustJSON(t, map[string]any{"users": strangers(1)}), 401, "no-token"},
		"of nobody":                   {ana.Token, `{"users":[]}`, 422, "invalid"},
		"of no list":                  {ana.Token, `{}`, 422, "invalid"},
		"of one too many":             {ana.Token, mustJSON(t, map[string]any{"users": strangers(httpapi.MaxLookedUp + 1)}), 422, "invalid"},
		"of a name":                   {ana.Token, `{"users":["` + ana.Name + `"]}`, 422, "invalid"},
		"of an id and what is none":   {ana.Token, `{"users":["` + string(ana.User) + `",""]}`, 422, "invalid"},
		"of people and something":     {ana.Token, `{"users":["` + string(ana.User) + `"],"names":["ana"]}`, 400, "malformed"},
		"of what is no list of texts": {ana.Token, `{"users":[7]}`, 400, "malformed"},
	} {
		t.Run(name, func(t *testing.T) { s.ask(c.token, "POST", "/api/users/look-up", c.body).want(c.status, c.slug) })
	}
}

// Names are looked up one by one, and ids many at a time, each with a limit of its own
// that all devices of a person have together.
func TestLookUpsAreLimited(t *testing.T) {
	limits := generous
	limits.LookUpsAMinute, limits.LookUpsOfManyAMinute = 2, 3
	s := newKeys(t, limits)
	ana, ben := s.account(), s.account()
	phone := linkedOf(s.link(s.code(ana)))
	for _, by := range []signedIn{ana, phone, ana} {
		s.lookUpMany(by, strangers(200)...).want(http.StatusOK, "")
	}
	if got := s.lookUpMany(phone, ben.User).want(http.StatusTooManyRequests, "too-often"); got.header.Get("Retry-After") == "" {
		t.Error("it isn't said when to try again")
	}
	s.lookUpMany(ben, ana.User).want(http.StatusOK, "") // another's
	for range 2 {
		s.ask(ana.Token, "GET", "/api/users/"+ben.Name, "").want(http.StatusOK, "")
	}
	s.ask(ana.Token, "GET", "/api/users/"+ben.Name, "").want(http.StatusTooManyRequests, "too-often")
	s.ask(ana.Token, "GET", "/api/users/"+string(ben.User), "").want(http.StatusTooManyRequests, "too-often")
}
