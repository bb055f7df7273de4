package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"designkits/infra/backend/catalog"
	"designkits/infra/control"
	"designkits/infra/engine"
	"designkits/infra/launch"
	"designkits/infra/supervise"
)

// withBackends starts the named backends on free ports and in a state folder of
// their own, so that a running case isn't touched, does work with the
// environment that tells where they are, and stops and removes it all. purpose
// names the folder and the namespace: "test", "bench".
func withBackends(ctx context.Context, o *options, place engine.Place, screen *screen, purpose string, names []string,
	work func(ctx context.Context, place engine.Place, env []string) error,
) (err error) {
	removeScratch(place, purpose)
	place.State = filepath.Join(place.State, fmt.Sprintf("%s-%d", purpose, os.Getpid()))
	offset, releasePorts, err := launch.FreeOffset(place.State, catalog.Known, nil)
	if err != nil {
		return err
	}
	defer releasePorts()
	h, err := openHost(ctx, &options{engine: o.engine, offset: offset}, place, purpose)
	if err != nil {
		return err
	}
	s := &session{client: control.Dial(h.launcher.Control), own: h, screen: screen}
	defer func() {
		err = errors.Join(err, s.close(ctx))
		keepLogs(place, screen, err)
	}()
	slices.Sort(names)
	names = slices.Compact(names)
	backends, err := h.launcher.Backends(names)
	if err != nil {
		return err
	}
	return s.hold(ctx, launch.Request{Backends: names}, false, func(ctx context.Context, _ launch.Result) error {
		return work(ctx, place, h.launcher.Env(backends, purpose))
	})
}

// removeScratch ends and removes what earlier runs have left: a killed one its
// processes, a failed one its logs.
func removeScratch(place engine.Place, purpose string) {
	folders, _ := filepath.Glob(filepath.Join(place.State, purpose+"-*"))
	for _, folder := range folders {
		if _, err := supervise.Reap(folder); err == nil { // else it is in use
			_ = os.RemoveAll(folder)
		}
	}
}

// keepLogs removes the run's state folder; after a failure its logs stay.
func keepLogs(place engine.Place, s *screen, err error) {
	if err == nil || errors.Is(err, errInterrupted) {
		_ = os.RemoveAll(place.State)
		return
	}
	for _, folder := range []string{"data", "bin", "run", "process", "secrets"} {
		_ = os.RemoveAll(filepath.Join(place.State, folder))
	}
	if logs := filepath.Join(place.State, "logs"); folderExists(logs) {
		s.linef("the backends' logs of this run: %s", logs)
	}
}

func folderExists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
