// Package exercises is how the checks of the exercises below it talk to the
// case: as people with devices, each at a gateway of its own choice, over nothing
// but the public API. Bodies are what a test writes: the server can't tell them
// from encrypted ones.
package exercises

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/device"
	"designkits/shared/exercise/grade"
)

// A Case is the learner's build while it runs, with two gateways or more.
type Case struct {
	t        testing.TB
	gateways []string // addresses
}

// Start starts the learner's build for the exercise in the working directory.
func Start(t testing.TB) *Case {
	t.Helper()
	c := &Case{t: t}
	for name, addr := range grade.Start(t).Addresses {
		if strings.HasPrefix(name, "gateway-") {
			c.gateways = append(c.gateways, addr)
		}
	}
	slices.Sort(c.gateways)
	if len(c.gateways) < 2 {
		t.Fatalf("the case runs %d gateways, and the check needs two: has case.yaml replicas: 2?", len(c.gateways))
	}
	return c
}

// gateway is the address of one, counted from 0 and round.
func (c *Case) gateway(n int) string { return c.gateways[n%len(c.gateways)] }

// A Device is one that was linked to somebody's account.
type Device struct {
	device.Account
	c *Case
}

// Person returns the devices of a new account.
func (c *Case) Person(devices int) []*Device {
	c.t.Helper()
	first, err := device.SignUp(c.t.Context(), "http://"+c.gateway(0), "check-"+strings.ToLower(rand.Text())[:12], "phone")
	if err != nil {
		c.t.Fatalf("make an account, as before: %v", err)
	}
	all := []*Device{{first, c}}
	for len(all) < devices {
		next, err := first.Link(c.t.Context(), "http://"+c.gateway(0), "tablet")
		if err != nil {
			c.t.Fatalf("link a device, as before: %v", err)
		}
		all = append(all, &Device{next, c})
	}
	return all
}

// User is whose device it is.
func (d *Device) User() messaging.UserID { return d.Account.Device.User }

// An Answer is what came back over HTTP.
type Answer = grade.Answer

// Ask sends a request with the device's token to a gateway.
func (d *Device) Ask(gateway int, method, path, body string) Answer {
	d.c.t.Helper()
	return d.c.Ask(gateway, method, path, body, http.Header{"Authorization": {"Bearer " + d.Token}, "Content-Type": {"application/json"}})
}

// Ask sends a request to a gateway as anybody could, and again where a store didn't
// answer in time.
func (c *Case) Ask(gateway int, method, path, body string, header http.Header) Answer {
	c.t.Helper()
	return grade.Again(func() Answer { return c.once(gateway, method, path, body, header) })
}

func (c *Case) once(gateway int, method, path, body string, header http.Header) Answer {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), within)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.gateway(gateway)+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = header.Clone()
	return grade.Ask(c.t, http.DefaultClient, req)
}

// within is how long anything may take that a check waits for; Patience is for what
// a mistake would keep away.
const (
	within   = 30 * time.Second
	Patience = 30 * time.Second
)
