package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"designkits/cases/messaging"
	"designkits/shared/httpjson"
)

// linked is what a device is told that was linked.
type linked struct {
	User   messaging.UserID  `json:"user"`
	Name   string            `json:"name"`
	Device messaging.Address `json:"device"`
	Token  string            `json:"token"`
	Until  time.Time         `json:"until"` // when the token ends
}

// welcome gives a device its token. It is signed anew each time, and remembered
// nowhere.
func (s *Keys) welcome(w http.ResponseWriter, l linked) error {
	token, until, err := s.Tokens.Sign(l.Device)
	if err != nil {
		return err
	}
	l.Token, l.Until = token, until.Truncate(time.Second).UTC()
	return httpjson.Write(w, http.StatusCreated, l)
}

// createAccount makes an account with its first device.
func (s *Keys) createAccount(w http.ResponseWriter, r *http.Request) error {
	if err := s.limit(r.Context(), "accounts", s.Limits.AccountsAnHour, time.Hour, s.network(r)); err != nil {
		return err
	}
	var body struct {
		Name       string `json:"name"`
		DeviceName string `json:"deviceName"`
	}
	return once(s.api, w, r, &body, request[linked]{
		caller: "nobody", plan: string(messaging.NewUserID()),
		do: func(ctx context.Context, plan string) (l linked, err error) {
			// The same account at each try, so that the name isn't taken by the first.
			l.User = messaging.UserID(plan)
			if l.Name, err = messaging.ParseName(body.Name); err != nil {
				return l, err
			}
			device, err := messaging.ParseDeviceName(body.DeviceName)
			if err != nil {
				return l, err
			}
			if err := s.accounts.Create(ctx, l.User, l.Name); err != nil {
				return l, err
			}
			d, err := s.accounts.Link(ctx, l.User, device)
			l.Device = d.Address
			return l, err
		},
		say: func(l linked) error { return s.welcome(w, l) },
	})
}

// linkDevice links a device with a code that another one shows.
func (s *Keys) linkDevice(w http.ResponseWriter, r *http.Request) error {
	if err := s.limit(r.Context(), "codes tried", s.Limits.CodesAMinute, time.Minute, s.network(r)); err != nil {
		return err
	}
	var body struct {
		Code       string `json:"code"`
		DeviceName string `json:"deviceName"`
	}
	return once(s.api, w, r, &body, request[linked]{
		caller: "nobody",
		do: func(ctx context.Context, _ string) (l linked, err error) {
			code, err := messaging.ParseLinkCode(body.Code)
			if err != nil {
				return l, err
			}
			device, err := messaging.ParseDeviceName(body.DeviceName)
			if err != nil {
				return l, err
			}
			if l.User, err = s.linkCodes.Redeem(ctx, code); err != nil {
				return l, err
			}
			if l.Name, err = s.accounts.Name(ctx, l.User); err != nil {
				return l, err
			}
			d, err := s.accounts.Link(ctx, l.User, device)
			l.Device = d.Address
			return l, err
		},
		say: func(l linked) error { return s.welcome(w, l) },
	})
}

// offerCode makes a code to link a device with. Asking again makes another one, so
// nothing is lost with an answer, and no key is needed.
func (s *Keys) offerCode(w http.ResponseWriter, r *http.Request) error {
	a, err := s.device(r)
	if err != nil {
		return err
	}
	if err := httpjson.None(w, r); err != nil {
		return err
	}
	if err := s.limit(r.Context(), "codes", s.Limits.CodesAMinute, time.Minute, string(a.User)); err != nil {
		return err
	}
	code, until := messaging.NewLinkCode(), s.Tokens.Now().Add(messaging.LinkCodeFor)
	if err := s.linkCodes.Offer(r.Context(), code, a.User); err != nil {
		return err
	}
	return httpjson.Write(w, http.StatusCreated, map[string]any{"code": code, "until": until.Truncate(time.Second).UTC()})
}

// devices lists one's own.
func (s *Keys) devices(w http.ResponseWriter, r *http.Request) error {
	a, err := s.device(r)
	if err != nil {
		return err
	}
	own, err := s.accounts.Devices(r.Context(), []messaging.UserID{a.User})
	if err != nil {
		return err
	}
	type device struct {
		Device messaging.Address `json:"device"`
		Name   string            `json:"name"`
		Linked time.Time         `json:"linked"`
		This   bool              `json:"this"`
	}
	list := make([]device, len(own))
	for i, d := range own {
		list[i] = device{d.Address, d.Name, d.Linked, d.Address == a}
	}
	slices.SortFunc(list, func(a, b device) int { return int(a.Device.Device - b.Device.Device) })
	return httpjson.Write(w, http.StatusOK, map[string]any{"devices": list})
}

// signOut signs one of one's own devices out. First everybody who accepts its token
// knows; then the account; what it has left is withdrawn last. Repeating it after a
// crash in between does the rest.
func (s *Keys) signOut(w http.ResponseWriter, r *http.Request) error {
	a, err := s.device(r)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(r.PathValue("device"))
	if err != nil {
		return messaging.ErrNotFound
	}
	gone := messaging.Address{User: a.User, Device: messaging.DeviceID(number)}
	own, err := s.accounts.Devices(r.Context(), []messaging.UserID{a.User})
	if err != nil {
		return err
	}
	if slices.ContainsFunc(own, func(d messaging.Device) bool { return d.Address == gone }) {
		if err := s.SignOuts.SignOut(r.Context(), gone); err != nil {
			return err
		}
		if err := s.accounts.Revoke(r.Context(), gone); err != nil && err != messaging.ErrNotFound {
			return err
		}
	} else if before, err := s.SignOuts.SignedOut(r.Context(), gone); err != nil {
		return err
	} else if !before {
		return messaging.ErrNotFound // a number that is yet to be given must not be refused then
	}
	if err := s.prekeys.Withdraw(r.Context(), gone); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
