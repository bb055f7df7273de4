package httpapi

import (
	"cmp"
	"net/http"

	"designkits/cases/messaging"
	"designkits/cases/messaging/presence"
	"designkits/shared/httpjson"
)

// A privacy is to whom somebody shows whether they are there.
type privacy struct {
	Presence presence.Privacy `json:"presence"`
}

// privacy tells one's own setting.
func (s *Keys) privacy(w http.ResponseWriter, r *http.Request) error {
	a, err := s.device(r)
	if err != nil {
		return err
	}
	settings, err := s.presence.Shown(r.Context(), []messaging.UserID{a.User})
	if err != nil {
		return err
	}
	return httpjson.Write(w, http.StatusOK, privacy{cmp.Or(settings[a.User], presence.Contacts)})
}

// show changes it. Gateways heed it within session's settingsEvery.
func (s *Keys) show(w http.ResponseWriter, r *http.Request) error {
	a, err := s.device(r)
	if err != nil {
		return err
	}
	var body privacy
	if err := httpjson.Read(w, r, 1<<10, &body); err != nil {
		return err
	}
	to, err := presence.ParsePrivacy(string(body.Presence))
	if err != nil {
		return err
	}
	if err := s.presence.Show(r.Context(), a.User, to); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
