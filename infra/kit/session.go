package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"designkits/infra/control"
	"designkits/infra/launch"
)

// A session is one command's work with a supervisor: that of `kit up` if it
// runs, else one in this process for as long as the command lasts.
type session struct {
	client control.Client
	own    *host // nil when the supervisor is another process
	screen *screen
}

// attach finds the supervisor or becomes it. A supervisor that another command
// runs in the foreground is that command's own.
func attach(ctx context.Context, o *options, mode string) (*session, error) {
	place, err := o.place()
	if err != nil {
		return nil, err
	}
	s := &session{screen: newScreen(o)}
	if rec, err := control.Find(place.State); err == nil && rec.Mode == "up" {
		s.client = control.Dial(rec.Socket)
		return s, nil
	} else if err != nil && !errors.Is(err, control.ErrNone) {
		return nil, err
	}
	if s.own, err = openHost(ctx, o, place, mode); err != nil {
		return nil, err
	}
	s.client = control.Dial(s.own.launcher.Control)
	for _, name := range s.own.launcher.Supervisor().Reaped() {
		s.screen.linef("ended %s, which a killed kit had left running", name)
	}
	return s, nil
}

// close ends the supervisor if it is this process's.
func (s *session) close(ctx context.Context) error {
	if s.own == nil {
		return nil
	}
	return s.own.close(ctx)
}

// errInterrupted is a start that was called off by Ctrl-C.
var errInterrupted = errors.New("stopped before it was up")

// hold brings up what is asked for, does work, and has it all stopped again.
// work's ctx ends with the first Ctrl-C; the second kills at once.
func (s *session) hold(ctx context.Context, r launch.Request, drop bool, work func(context.Context, launch.Result) error) (err error) {
	start, err := s.client.Start(ctx, r, true, drop)
	if err != nil {
		return err
	}
	defer start.Close()
	working, stopWork := context.WithCancel(ctx)
	defer stopWork()
	ended := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		s.watchSignals(ctx, start, stopWork, ended)
	}()
	defer func() { close(ended); <-watched }()

	result, err := start.AwaitUp(s.screen.show)
	if err != nil {
		if working.Err() != nil {
			return errInterrupted
		}
		return err
	}
	worked := make(chan error, 1)
	go func() {
		err := work(working, result)
		if releaseErr := start.Release(ctx, false); releaseErr != nil && working.Err() == nil {
			err = errors.Join(err, releaseErr)
		}
		worked <- err
	}()
	err = start.AwaitEnd(s.screen.show)
	stopWork()
	return errors.Join(<-worked, err)
}

func (s *session) watchSignals(ctx context.Context, start *control.Start, stopWork func(), ended <-chan struct{}) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	var down <-chan struct{}
	if s.own != nil {
		down = s.own.server.Done()
	}
	for count := 0; ; {
		select {
		case <-ended:
			return
		case <-down: // `kit down` from another terminal
			down = nil
		case <-signals:
		}
		count++
		stopWork()
		switch count {
		case 1:
			fmt.Fprintln(os.Stderr, "stopping; Ctrl-C again kills at once")
			_ = start.Release(ctx, false) // if it has ended, so much the better
		default:
			if s.own != nil {
				s.own.launcher.Supervisor().Abandon()
			}
			_ = start.Release(ctx, true)
		}
	}
}
