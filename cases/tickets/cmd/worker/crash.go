package main

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/saga"
)

// A crash is where the process dies, so that an experiment can kill it between
// any two of its steps: "STATE" after the step of orders in that state has had
// its effect and before that is written down, "STATE written" when it just was,
// "sent" between the sending of events and its noting, "told" when a fan was.
// Empty is nowhere.
type crash string

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *crash) UnmarshalText(text []byte) error {
	state, _ := strings.CutSuffix(string(text), " written")
	if _, known := crashes[state]; !known {
		return fmt.Errorf("%q is nowhere to die: name a state of orders, or sent, or told", text)
	}
	*c = crash(text)
	return nil
}

// crashes are the places, written ones aside.
var crashes = func() map[string]bool {
	all := map[string]bool{"sent": true, "told": true}
	for _, s := range tickets.OrderStates() {
		all[string(s)] = true
	}
	return all
}()

// here ends the process if it is to die here. Nothing more of it runs.
func (c crash) here(place string) {
	if place == string(c) {
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		select {}
	}
}

type (
	steps interface {
		Do(ctx context.Context, j saga.Job) (saga.Outcome, error)
	}
	dyingSteps struct {
		steps
		at crash
	}
	dyingStore struct {
		saga.Store
		at crash
	}
	dyingLog struct {
		saga.Log
		at crash
	}
	dyingMailbox struct {
		saga.Mailbox
		at crash
	}
)

func (c crash) steps(s steps) steps                 { return dyingSteps{s, c} }
func (c crash) store(s saga.Store) saga.Store       { return dyingStore{s, c} }
func (c crash) log(l saga.Log) saga.Log             { return dyingLog{l, c} }
func (c crash) mailbox(m saga.Mailbox) saga.Mailbox { return dyingMailbox{m, c} }

func (d dyingSteps) Do(ctx context.Context, j saga.Job) (saga.Outcome, error) {
	out, err := d.steps.Do(ctx, j)
	if err == nil && out.What != saga.Wait {
		d.at.here(string(j.Order.State))
	}
	return out, err
}

func (d dyingStore) Write(ctx context.Context, j saga.Job, o tickets.Order, keep, next time.Duration) (saga.Job, error) {
	written, err := d.Store.Write(ctx, j, o, keep, next)
	if err == nil {
		d.at.here(string(j.Order.State) + " written")
	}
	return written, err
}

func (d dyingLog) Append(ctx context.Context, events []saga.Event) error {
	err := d.Log.Append(ctx, events)
	if err == nil {
		d.at.here("sent")
	}
	return err
}

func (d dyingMailbox) Tell(ctx context.Context, e saga.Event, m tickets.Message) error {
	err := d.Mailbox.Tell(ctx, e, m)
	if err == nil {
		d.at.here("told")
	}
	return err
}
