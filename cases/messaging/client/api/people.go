package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/client/e2e"
)

// A person is what the device knows of somebody.
type person struct {
	name      string
	devices   []messaging.Address
	devicesAt time.Time // zero: ask
	keyless   int       // claims in a row by which a device of theirs had published nothing
	claimAt   time.Time // when their keys may be claimed once more
	asked     bool      // for the name
	online    bool
	lastSeen  time.Time
}

// devicesFor is how long somebody's devices are believed in. Who links one or signs
// one out says so in their conversations; this is for when that got lost.
const devicesFor = 5 * time.Minute

// askAgain is for when somebody's devices have changed.
func (p *person) askAgain() { p.devicesAt, p.keyless, p.claimAt = time.Time{}, 0, time.Time{} }

func (c *Client) person(u messaging.UserID) *person {
	p := c.people[u]
	if p == nil {
		p = &person{}
		c.people[u] = p
	}
	return p
}

// Find returns whose name it is.
func (c *Client) Find(ctx context.Context, name string) (messaging.UserID, error) {
	name, err := messaging.ParseName(name)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	for u, p := range c.people {
		if p.name == name {
			c.mu.Unlock()
			return u, nil
		}
	}
	c.mu.Unlock()
	return c.lookUp(ctx, name)
}

// lookUp asks for a person by name or id, and remembers their devices.
func (c *Client) lookUp(ctx context.Context, who string) (messaging.UserID, error) {
	var answer struct {
		User    messaging.UserID
		Name    string
		Devices []messaging.Address
	}
	if err := c.call(ctx, http.MethodGet, "/api/users/"+url.PathEscape(who), nil, nil, &answer); err != nil {
		return "", err
	}
	return answer.User, c.change(func() error {
		p := c.person(answer.User)
		p.name, p.devices, p.devicesAt = answer.Name, answer.Devices, c.cfg.Now()
		return c.store.put(keyName+string(answer.User), answer.Name)
	})
}

// peopleAtOnce is how many people one request looks up.
const peopleAtOnce = 250

// lookUpAll asks for people by their ids, and remembers their devices. Of who isn't
// there it remembers that they have none.
func (c *Client) lookUpAll(ctx context.Context, users []messaging.UserID) error {
	for some := range slices.Chunk(users, peopleAtOnce) {
		var answer struct {
			People []struct {
				User    messaging.UserID
				Name    string
				Devices []messaging.Address
			}
		}
		if err := c.call(ctx, http.MethodPost, "/api/users/look-up", nil, map[string]any{"users": some}, &answer); err != nil {
			return err
		}
		err := c.change(func() error {
			for _, u := range some {
				p := c.person(u)
				p.devices, p.devicesAt = []messaging.Address{}, c.cfg.Now()
			}
			for _, found := range answer.People {
				p := c.person(found.User)
				p.devices = found.Devices
				if p.name == found.Name {
					continue
				}
				p.name = found.Name
				if err := c.store.put(keyName+string(found.User), found.Name); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// name is what somebody is called. Who isn't known is asked for, together with others.
// c.mu is held.
func (c *Client) name(u messaging.UserID) string {
	p := c.person(u)
	if p.name == "" && !p.asked {
		p.asked = true
		c.unnamed = append(c.unnamed, u)
		if len(c.unnamed) == 1 && !c.later(c.learnUnnamed) {
			p.asked, c.unnamed = false, nil
		}
	}
	return p.name
}

// learnUnnamed asks for those whom name couldn't tell. Whom it can't learn of now, the
// next look at them asks for again.
func (c *Client) learnUnnamed(ctx context.Context) {
	c.mu.Lock()
	users := c.unnamed
	c.unnamed = nil
	c.mu.Unlock()
	var err error
	learned := false
	for some := range slices.Chunk(users, peopleAtOnce) {
		if err == nil {
			err = c.lookUpAll(ctx, some)
			learned = learned || err == nil
		}
		c.mu.Lock()
		for _, u := range some {
			c.person(u).asked = err == nil
		}
		c.mu.Unlock()
	}
	if learned {
		c.cfg.Changed("")
	}
}

// LearnNames asks what people are called with whom there are conversations, as far as
// it isn't known: for who can't wait until that comes by itself.
func (c *Client) LearnNames(ctx context.Context) error {
	strangers := map[messaging.UserID]bool{}
	c.mu.Lock()
	for _, t := range c.talks {
		if t.roster == nil {
			continue
		}
		for u := range t.roster.Members {
			if c.person(u).name == "" {
				strangers[u] = true
			}
		}
	}
	c.mu.Unlock()
	return c.lookUpAll(ctx, slices.Collect(maps.Keys(strangers)))
}

// devicesOf returns all devices of people but this one, each with a session. Which they
// have it asks now and then, and takes what is known when that can't be had; of those
// with which there is no session it claims the keys.
func (c *Client) devicesOf(ctx context.Context, users []messaging.UserID) (all []messaging.Address, err error) {
	var stale []messaging.UserID
	known := true
	c.mu.Lock()
	for _, u := range users {
		if p := c.person(u); c.cfg.Now().Sub(p.devicesAt) > devicesFor {
			stale = append(stale, u)
			known = known && p.devices != nil
		}
	}
	c.mu.Unlock()
	if err := c.lookUpAll(ctx, stale); err != nil && !known {
		return nil, err
	}
	var without []messaging.UserID
	c.mu.Lock()
	for _, u := range users {
		for _, a := range c.person(u).devices {
			if a == c.me.Device {
				continue
			}
			all = append(all, a)
			wanted := !c.cfg.Now().Before(c.person(u).claimAt) && (len(without) == 0 || without[len(without)-1] != u)
			if has, err := c.e2e.HasSession(address(a)); err == nil && !has && wanted {
				without = append(without, u)
			}
		}
	}
	c.mu.Unlock()
	if err := c.claim(ctx, without); err != nil {
		return nil, err
	}
	// A device that has published nothing can't be written to yet.
	return slices.DeleteFunc(all, func(a messaging.Address) bool {
		has, err := c.e2e.HasSession(address(a))
		return err != nil || !has
	}), nil
}

// atOnce is how many people's keys one request claims.
const atOnce = 25

// claim begins sessions with the devices of people with which there is none.
func (c *Client) claim(ctx context.Context, users []messaging.UserID) error {
	for some := range slices.Chunk(users, atOnce) {
		var answer struct {
			Bundles map[messaging.Address]e2e.Bundle
			Missing []messaging.Address
		}
		if err := c.call(ctx, http.MethodPost, "/api/prekeys/claim", once(), map[string]any{"users": some}, &answer); err != nil {
			return err
		}
		if err := c.change(func() error { return c.begin(some, answer.Bundles, answer.Missing) }); err != nil {
			return err
		}
	}
	return nil
}

// claimed notes that somebody's keys were claimed. A device that has published nothing is
// likely to do so at once, or not for long: it is asked for again after two seconds, four,
// and so on, since each claim uses up a key of their other devices, and who claims too
// often is refused and could send nothing.
func (p *person) claimed(now time.Time, keyless bool) {
	if !keyless {
		p.keyless, p.claimAt = 0, time.Time{}
		return
	}
	p.keyless++
	p.claimAt = now.Add(min(time.Second<<min(p.keyless, 10), devicesFor))
}

func (c *Client) begin(users []messaging.UserID, bundles map[messaging.Address]e2e.Bundle, missing []messaging.Address) error {
	for _, u := range users {
		p := c.person(u)
		p.devices, p.devicesAt = nil, c.cfg.Now()
		p.claimed(c.cfg.Now(), slices.ContainsFunc(missing, func(a messaging.Address) bool { return a.User == u }))
		if u == c.me.User {
			p.devices = []messaging.Address{c.me.Device}
		}
	}
	for _, a := range missing {
		c.person(a.User).devices = append(c.person(a.User).devices, a)
	}
	var changed error
	for a, bundle := range bundles {
		c.person(a.User).devices = append(c.person(a.User).devices, a)
		has, err := c.e2e.HasSession(address(a))
		if err == nil && !has {
			err = c.e2e.StartSession(address(a), bundle)
		}
		if _, ok := errors.AsType[*e2e.KeyChanged](err); ok {
			changed = err // the others are begun all the same
		} else if err != nil {
			return err
		}
	}
	if changed != nil {
		return errors.Join(c.commit(), changed)
	}
	return nil
}

// SafetyNumber is what two people compare: the same on both sides while nobody
// stands between them. It is of the devices that they have now; a key that has
// changed is in it only once it is accepted.
func (c *Client) SafetyNumber(ctx context.Context, with messaging.UserID) (string, error) {
	me := c.Me().User
	if _, err := c.devicesOf(ctx, []messaging.UserID{with, me}); err != nil {
		if _, changed := errors.AsType[*e2e.KeyChanged](err); !changed {
			return "", err
		}
	}
	ours, err := c.keysOf(me)
	if err != nil {
		return "", err
	}
	theirs, err := c.keysOf(with)
	if err == nil && len(theirs) == 0 {
		err = fmt.Errorf("safety number: %w", e2e.ErrNoSession)
	}
	if err != nil {
		return "", err
	}
	return e2e.SafetyNumber(string(me), ours, string(with), theirs), nil
}

// keysOf are the identity keys that are known of somebody's devices.
func (c *Client) keysOf(u messaging.UserID) (keys [][]byte, err error) {
	known, err := c.e2e.Known(string(u))
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.person(u).devices {
		if key, ok := known[address(a)]; ok {
			keys = append(keys, key)
		}
	}
	return keys, nil
}
