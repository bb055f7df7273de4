package api

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/client/body"
	"designkits/cases/messaging/client/e2e"
	"designkits/cases/messaging/presence"
)

// linked is what the server tells a device that has got an account.
type linked struct {
	User   messaging.UserID
	Name   string
	Device messaging.Address
	Token  string
}

// SignUp makes an account, with this device as its first.
func (c *Client) SignUp(ctx context.Context, name, deviceName string) error {
	return c.join(ctx, "/api/accounts", map[string]string{"name": name, "deviceName": deviceName})
}

// Link makes this device one more of a person's, by a code that another one of them
// shows. It reads what is written from now on: what was before is not encrypted for it.
func (c *Client) Link(ctx context.Context, code, deviceName string) error {
	return c.join(ctx, "/api/devices", map[string]string{"code": code, "deviceName": deviceName})
}

func (c *Client) join(ctx context.Context, path string, in any) error {
	if c.Me().User != "" {
		return ErrAccount
	}
	var l linked
	if err := c.call(ctx, http.MethodPost, path, once(), in, &l); err != nil {
		return err
	}
	err := c.change(func() error {
		d, err := e2e.Create(c.store, address(l.Device), c.cfg.Now())
		if err != nil {
			return err
		}
		c.me = account{User: l.User, Name: l.Name, Device: l.Device, Token: l.Token, Gateways: c.me.Gateways, Rotated: c.cfg.Now()}
		c.e2e = d
		c.person(l.User).name = l.Name
		return c.store.put(keyMe, c.me)
	})
	if err != nil {
		return err
	}
	return c.publish(ctx, nil)
}

// once is the header of a request that the server carries out once, though it may be
// sent again.
func once() http.Header { return http.Header{"Idempotency-Key": {rand.Text()}} }

// publish tells the server the device's keys: all of them, or with added the one-time
// prekeys that are new. What is more than one request may bring comes in several: a
// device keeps those that were claimed and not used yet.
func (c *Client) publish(ctx context.Context, added []e2e.PreKey) error {
	keys, err := c.e2e.PublicKeys()
	if err != nil {
		return err
	}
	left := keys.OneTime
	if added != nil {
		left = added
	}
	for first := true; first || len(left) > 0; first = false {
		n := min(len(left), messaging.MaxOneTime)
		keys.OneTime, left = left[:n], left[n:]
		if err := c.call(ctx, http.MethodPut, "/api/prekeys", nil, keys, nil); err != nil {
			return err
		}
	}
	return c.change(func() error { c.me.Published = true; return c.store.put(keyMe, c.me) })
}

const (
	maintainEvery = time.Hour
	retryAfter    = 2 * time.Second
	// rotateAfter is how long a signed prekey serves; e2e keeps older ones for a
	// while, for what was written to a device that is away.
	rotateAfter = 7 * 24 * time.Hour
)

// maintain keeps the device's keys at the server fresh, until the context ends.
func (c *Client) maintain(ctx context.Context) error {
	for {
		pause := maintainEvery
		if err := c.refreshKeys(ctx); err != nil {
			if p, ok := errors.AsType[*Problem](err); ok && p.Status == http.StatusUnauthorized {
				return err // the device was signed out, or away for too long
			}
			pause = retryAfter
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *Client) refreshKeys(ctx context.Context) error {
	c.mu.Lock()
	published, rotate := c.me.Published, c.cfg.Now().Sub(c.me.Rotated) > rotateAfter
	c.mu.Unlock()
	if rotate {
		err := c.change(func() error {
			if _, err := c.e2e.RotateSignedPreKey(c.cfg.Now()); err != nil {
				return err
			}
			c.me.Rotated, c.me.Published = c.cfg.Now(), false
			return c.store.put(keyMe, c.me)
		})
		if err != nil {
			return err
		}
		published = false
	}
	if !published {
		if err := c.publish(ctx, nil); err != nil {
			return err
		}
	}
	if err := c.addKeys(ctx); err != nil {
		return err
	}
	return c.tellUsed(ctx)
}

// addKeys makes more one-time prekeys when few are left.
func (c *Client) addKeys(ctx context.Context) error {
	var count struct{ Low bool }
	if err := c.call(ctx, http.MethodGet, "/api/prekeys", nil, nil, &count); err != nil || !count.Low {
		return err
	}
	var added []e2e.PreKey
	if err := c.change(func() (err error) { added, err = c.e2e.AddPreKeys(e2e.OneTimeKeys / 2); return err }); err != nil {
		return err
	}
	return c.publish(ctx, added)
}

// announce tells everybody this person talks to that their devices have changed, so
// that nothing more is encrypted for one that has gone.
func (c *Client) announce() error {
	c.mu.Lock()
	all := slices.DeleteFunc(c.conversations(), func(id messaging.ConversationID) bool {
		r := c.talk(id).roster
		return r == nil || r.MayPost(c.me.User, messaging.Posted) != nil
	})
	c.mu.Unlock()
	for _, id := range all {
		if _, err := c.post(id, body.Body{Kind: body.Devices}); err != nil {
			return err
		}
	}
	return nil
}

// LinkCode returns a code that links another device to this person, once and soon.
func (c *Client) LinkCode(ctx context.Context) (string, error) {
	var answer struct{ Code string }
	err := c.call(ctx, http.MethodPost, "/api/link-codes", nil, nil, &answer)
	return answer.Code, err
}

// An OwnDevice is one of the person's.
type OwnDevice struct {
	Device messaging.Address `json:"device"`
	Name   string            `json:"name"`
	Linked time.Time         `json:"linked"`
	This   bool              `json:"this"`
}

// Devices are the person's.
func (c *Client) Devices(ctx context.Context) ([]OwnDevice, error) {
	var answer struct{ Devices []OwnDevice }
	err := c.call(ctx, http.MethodGet, "/api/devices", nil, nil, &answer)
	return answer.Devices, err
}

// SignOut signs one of the person's devices out. Others are told, and no message is
// encrypted for it any more.
func (c *Client) SignOut(ctx context.Context, d messaging.DeviceID) error {
	if err := c.call(ctx, http.MethodDelete, "/api/devices/"+strconv.Itoa(int(d)), nil, nil, nil); err != nil {
		return err
	}
	if d == c.Me().Device.Device {
		return nil
	}
	c.mu.Lock()
	c.person(c.me.User).askAgain()
	c.mu.Unlock()
	return c.announce()
}

// Privacy is to whom it is shown whether this person is there: presence.Contacts,
// Everybody or Nobody.
func (c *Client) Privacy(ctx context.Context) (presence.Privacy, error) {
	var answer struct{ Presence presence.Privacy }
	err := c.call(ctx, http.MethodGet, "/api/privacy", nil, nil, &answer)
	return answer.Presence, err
}

// ShowPresence changes it.
func (c *Client) ShowPresence(ctx context.Context, to presence.Privacy) error {
	return c.call(ctx, http.MethodPut, "/api/privacy", nil, map[string]any{"presence": to}, nil)
}
