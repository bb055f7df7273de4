package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"designkits/cases/messaging/adapters/device"
)

// A cast is who takes part: three people, the first of them with two devices.
type cast struct {
	page     string
	accounts []device.Account // Ana's phone and her laptop, Bo's, Cleo's
	devices  []*device.Device
	gateways atomic.Pointer[[]string]
	gone     sync.WaitGroup // devices and talkers that run
}

// signUp makes the accounts as a page does. The names are new ones each time: the
// case keeps its data.
func (j *journey) signUp(ctx context.Context) (string, error) {
	page, err := url.Parse(j.cfg.Page)
	if err != nil || page.Host == "" {
		return "", fmt.Errorf("%q is no address of a page: start the case with `go run ./infra/kit run messaging`", j.cfg.Page)
	}
	c := &cast{page: page.Scheme + "://" + page.Host}
	round := strings.ToLower(rand.Text()[:6])
	for _, name := range []string{"ana", "bo", "cleo"} {
		a, err := device.SignUp(ctx, c.page, name+"-"+round, "phone")
		if err != nil {
			return "", err
		}
		c.accounts = append(c.accounts, a)
		if name == "ana" {
			laptop, err := a.Link(ctx, c.page, "laptop")
			if err != nil {
				return "", err
			}
			c.accounts = append(c.accounts, laptop)
		}
	}
	j.cast = c
	if err := j.plan(); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s has a phone and a laptop, %s and %s a phone each", c.accounts[0].Name, c.accounts[2].Name, c.accounts[3].Name), nil
}

// connect lets the devices connect to whichever gateway they like.
func (j *journey) connect(ctx context.Context) (string, error) {
	c := j.cast
	known, err := device.Gateways(ctx, c.page)
	if err != nil {
		return "", err
	}
	c.gateways.Store(&known)
	for _, a := range c.accounts {
		d := device.New(device.Config{Address: a.Device, Token: a.Token, Gateways: func() []string { return *c.gateways.Load() }, Shown: j.show(a.Device)})
		c.devices = append(c.devices, d)
		c.gone.Go(func() { _ = d.Run(ctx) }) // it runs until the journey ends; one that was told to stay away is missed below
	}
	if err := until(ctx, j.cfg.Patience, c.allThere); err != nil {
		return "", err
	}
	at := map[string]int{}
	for _, d := range c.devices {
		at[d.On().Gateway]++
	}
	return fmt.Sprintf("to %s, %d of them to %s", count(len(known), "gateway"), at[c.devices[0].On().Gateway], c.devices[0].On().Gateway), nil
}

// allThere is nil once all are connected and have caught up.
func (c *cast) allThere() error {
	for i, d := range c.devices {
		if !d.Current() {
			return fmt.Errorf("the device %s isn't connected", c.accounts[i].Device)
		}
	}
	return nil
}

// ends is how many connections have ended under them.
func (c *cast) ends() (n int) {
	for _, d := range c.devices {
		n += d.Ends()
	}
	return n
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
