package httpapi

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"designkits/cases/messaging"
	"designkits/shared/httpjson"
)

// MaxLookedUp is how many people one request looks up by their ids.
const MaxLookedUp = 250

// A found is a person, and the devices a message to them is encrypted for.
type found struct {
	User    messaging.UserID    `json:"user"`
	Name    string              `json:"name"`
	Devices []messaging.Address `json:"devices"`
}

// lookUp finds a person by name or id. Only who is signed in may ask, and not for
// everybody at once.
func (s *Keys) lookUp(w http.ResponseWriter, r *http.Request) error {
	a, err := s.device(r)
	if err != nil {
		return err
	}
	if err := s.limit(r.Context(), "look-ups", s.Limits.LookUpsAMinute, time.Minute, string(a.User)); err != nil {
		return err
	}
	u, name := messaging.UserID(r.PathValue("user")), ""
	if u.Valid() {
		name, err = s.accounts.Name(r.Context(), u)
	} else if name, err = messaging.ParseName(r.PathValue("user")); err == nil {
		u, err = s.accounts.Find(r.Context(), name)
	}
	if err != nil {
		return err
	}
	devices, err := s.accounts.Devices(r.Context(), []messaging.UserID{u})
	if err != nil {
		return err
	}
	return httpjson.Write(w, http.StatusOK, found{u, name, addresses(devices, u)})
}

// lookUpMany finds people by their ids, which nobody guesses: who has so many has them
// from a group's roster. Names, which can be guessed, are looked up one by one. It
// changes nothing, and is a POST since so many ids are too long for an address.
func (s *Keys) lookUpMany(w http.ResponseWriter, r *http.Request) error {
	a, err := s.device(r)
	if err != nil {
		return err
	}
	if err := s.limit(r.Context(), "look-ups of many", s.Limits.LookUpsOfManyAMinute, time.Minute, string(a.User)); err != nil {
		return err
	}
	var body struct {
		Users []messaging.UserID `json:"users"`
	}
	if err := read(w, r, &body); err != nil {
		return err
	}
	if err := checkPeople(body.Users, MaxLookedUp); err != nil {
		return err
	}
	names, err := s.accounts.Names(r.Context(), body.Users)
	if err != nil {
		return err
	}
	devices, err := s.accounts.Devices(r.Context(), body.Users)
	if err != nil {
		return err
	}
	people := make([]found, 0, len(names))
	for _, u := range slices.Sorted(maps.Keys(names)) {
		people = append(people, found{u, names[u], addresses(devices, u)})
	}
	return httpjson.Write(w, http.StatusOK, map[string]any{"people": people})
}

// checkPeople refuses what isn't some people's ids.
func checkPeople(users []messaging.UserID, atMost int) error {
	if len(users) == 0 || len(users) > atMost {
		return &messaging.Invalid{Field: "users", Reason: fmt.Sprintf("1 to %d people", atMost)}
	}
	for _, u := range users {
		if !u.Valid() {
			return &messaging.Invalid{Field: "users", Reason: fmt.Sprintf("%.40q is no account's id", u)}
		}
	}
	return nil
}

// addresses are one person's, of devices of many.
func addresses(devices []messaging.Device, u messaging.UserID) []messaging.Address {
	of := []messaging.Address{}
	for _, d := range devices {
		if d.User == u {
			of = append(of, d.Address)
		}
	}
	slices.SortFunc(of, messaging.Address.Compare)
	return of
}
