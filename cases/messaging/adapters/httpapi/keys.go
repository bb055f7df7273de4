package httpapi

import (
	_ "embed"
	"net/http"

	"designkits/cases/messaging"
	"designkits/cases/messaging/presence"
)

// KeysOpenAPI describes the API of Keys. A test holds it against the running server.
//
//go:embed keys.yaml
var KeysOpenAPI []byte

// Keys serves accounts, devices, what each shows of itself, and prekeys.
type Keys struct {
	*api
	accounts  messaging.Accounts
	prekeys   messaging.Prekeys
	linkCodes messaging.LinkCodes
	presence  presence.Settings
}

// A KeysConfig is what Keys needs.
type KeysConfig struct {
	Config
	Accounts  messaging.Accounts
	Prekeys   messaging.Prekeys
	LinkCodes messaging.LinkCodes
	Presence  presence.Settings
}

// NewKeys returns a server, or an error where one of the origins is none.
func NewKeys(cfg KeysConfig) (*Keys, error) {
	s := &Keys{accounts: cfg.Accounts, prekeys: cfg.Prekeys, linkCodes: cfg.LinkCodes, presence: cfg.Presence}
	cfg.Devices = cfg.Accounts.Devices
	var err error
	s.api, err = newAPI(cfg.Config, s.routes())
	return s, err
}

// Handler returns the routes.
func (s *Keys) Handler() http.Handler { return s.mux }

func (s *Keys) routes() map[string]serve {
	return map[string]serve{
		"POST /api/accounts":           s.createAccount,
		"GET /api/users/{user}":        s.lookUp,
		"POST /api/users/look-up":      s.lookUpMany,
		"POST /api/link-codes":         s.offerCode,
		"POST /api/devices":            s.linkDevice,
		"GET /api/devices":             s.devices,
		"DELETE /api/devices/{device}": s.signOut,
		"GET /api/privacy":             s.privacy,
		"PUT /api/privacy":             s.show,
		"PUT /api/prekeys":             s.publish,
		"GET /api/prekeys":             s.count,
		"POST /api/prekeys/claim":      s.claim,
		"GET /api/keys/openapi.yaml":   file(&KeysOpenAPI),
	}
}

// file serves an OpenAPI file.
func file(text *[]byte) serve {
	return func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "application/yaml")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(*text) // the client may have gone
		return nil
	}
}
