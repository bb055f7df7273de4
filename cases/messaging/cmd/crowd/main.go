// Command crowd is people who use the messenger, so that there is something to see
// and to break: each has a device of its own, and they talk in pairs and in a group
// of all, over nothing but the public API. They write at random moments, at a rate
// that doesn't fall when answers are slow (an open loop), and connect again by
// themselves when a gateway dies.
//
// What they write is random bytes as long as an encrypted text: it is nobody's to
// read. Their screens are compared with each other all the time; while something is
// wrong /readyz says what, and /metrics counts it. They have new accounts each time
// the process starts.
package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"designkits/shared/service"
)

func main() { service.Main("crowd", run) }

func run(ctx context.Context, s *service.Service) error {
	cfg, err := readConfig()
	if err != nil {
		return err
	}
	c := newCrowd(cfg, s.Log, s.Metrics)
	s.Ready("screens", func(context.Context) error {
		if v := c.screens.Verdict(time.Now()); !v.OK() {
			return errors.New(v.String())
		}
		return nil
	})
	s.Go("live", c.live)
	return s.Serve(ctx, cfg.Listen, http.NotFoundHandler())
}
