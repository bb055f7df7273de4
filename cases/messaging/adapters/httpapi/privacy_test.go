package httpapi_test

import (
	"net/http"
	"testing"
)

func TestOneSaysToWhomOneIsShown(t *testing.T) {
	s := newKeys(t, generous)
	ana, ben := s.account(), s.account()
	shown := func(d signedIn) string {
		var p struct{ Presence string }
		s.ask(d.Token, "GET", "/api/privacy", "").want(http.StatusOK, "").into(&p)
		return p.Presence
	}
	if got := shown(ana); got != "contacts" {
		t.Errorf("who hasn't chosen is shown to %s", got)
	}
	s.ask(ana.Token, "PUT", "/api/privacy", `{"presence":"nobody"}`).want(http.StatusNoContent, "")
	s.ask(ana.Token, "PUT", "/api/privacy", `{"presence":"friends"}`).want(http.StatusUnprocessableEntity, "invalid")
	s.ask("", "PUT", "/api/privacy", `{"presence":"everybody"}`).want(http.StatusUnauthorized, "no-token")
	if got := shown(ana); got != "nobody" {
		t.Errorf("she is shown to %s", got)
	}
	if got := shown(ben); got != "contacts" {
		t.Errorf("another is shown to %s", got)
	}
}
