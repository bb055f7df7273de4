package api_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"designkits/cases/messaging/client/api"
	"designkits/cases/messaging/client/e2e"
	"designkits/shared/cql"
	"designkits/shared/testenv"
)

// A device keeps the prekeys that were claimed and not used yet, so it may have more
// than one request brings when it renews its signed prekey.
func TestADeviceWithManyPrekeysPublishesAllOfThem(t *testing.T) {
	s := newSite(t)
	path := filepath.Join(t.TempDir(), "ana")
	ana := s.switchOn(path, func(c *api.Client) error { return c.SignUp(t.Context(), "ana", "phone") })
	a := ana.Me().Device
	ana.stop()
	store, err := e2e.OpenFile(path)
	s.must(err)
	defer store.Close()
	d, err := e2e.Open(store)
	s.must(err)
	_, err = d.AddPreKeys(e2e.OneTimeKeys + 50)
	s.must(err)

	inAWeek := func() time.Time { return time.Now().Add(8 * 24 * time.Hour) }
	c, err := api.Open(api.Config{Store: store, Gateway: s.Addr("gateway-1"), Now: inAWeek})
	s.must(err)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = c.Run(ctx) })
	defer running.Wait()
	defer stop()
	session, err := cql.Open(t.Context(), cql.Config{Hosts: []string{testenv.Addr(t, "cassandra")}, Keyspace: s.Namespace})
	s.must(err)
	defer session.Close()
	testenv.Eventually(t, time.Minute, "all of its prekeys are at the server", func() bool {
		n := 0
		s.must(session.Query(`SELECT COUNT(key) FROM prekeys WHERE user = ? AND device = ?`, string(a.User), int(a.Device)).Scan(&n))
		return n == 2*e2e.OneTimeKeys+50
	})
}
