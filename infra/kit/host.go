package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"designkits/infra/backend/catalog"
	"designkits/infra/control"
	"designkits/infra/engine"
	"designkits/infra/launch"
	"designkits/infra/supervise"
)

// A host is a supervisor in this process, with its control socket.
type host struct {
	launcher *launch.Launcher
	server   *control.Server
}

func openHost(ctx context.Context, o *options, place engine.Place, mode string) (*host, error) {
	eng, err := engine.Choose(ctx, o.engine, place)
	if err != nil {
		return nil, err
	}
	l, err := launch.Open(place, eng, o.offset, catalog.Known)
	if err != nil {
		return nil, busy(err, place)
	}
	server, err := control.Serve(l, mode)
	if err != nil {
		return nil, errors.Join(err, l.Close(ctx))
	}
	reapTests(place)
	return &host{l, server}, nil
}

// closingWithin bounds the wait for answers under way.
const closingWithin = 30 * time.Second

// close stops everything, at once when ctx ends.
func (h *host) close(ctx context.Context) error {
	err := h.launcher.Stop(ctx)
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingWithin)
	defer cancel()
	err = errors.Join(err, h.server.Close(bounded))
	return errors.Join(err, h.launcher.Close(ctx))
}

// busy says what to do when another kit has the checkout.
func busy(err error, place engine.Place) error {
	var b *supervise.Busy
	if !errors.As(err, &b) {
		return err
	}
	mode := "run"
	if rec, err := control.Find(place.State); err == nil {
		mode = rec.Mode
	}
	return fmt.Errorf("%w: `kit %s` has this checkout. Stop that one (Ctrl-C in its terminal, or `kit down`), "+
		"or run beside it from a second checkout with --port-offset 1000", b, mode)
}

// reapTests ends what a killed `kit test` has left running.
func reapTests(place engine.Place) {
	folders, _ := filepath.Glob(filepath.Join(place.Root, ".kit", "test-*"))
	for _, folder := range folders {
		_, _ = supervise.Reap(folder) // one in use is another's
	}
}
