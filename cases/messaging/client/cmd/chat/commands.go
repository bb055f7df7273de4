package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"designkits/cases/messaging"
	"designkits/cases/messaging/client/api"
)

// A command is what chat can do.
type command struct {
	do      func(ctx context.Context, s *session, args []string) error
	needs   int  // arguments
	offline bool // it needs no connection
	stays   bool // until it is interrupted
}

var commands = map[string]command{
	"signup":  {do: signUp, offline: true},
	"link":    {do: link, needs: 1, offline: true},
	"code":    {do: code, offline: true},
	"send":    {do: send, needs: 2},
	"group":   {do: group, needs: 2},
	"read":    {do: read},
	"follow":  {do: follow, stays: true},
	"safety":  {do: safety, needs: 1},
	"accept":  {do: accept, needs: 1},
	"devices": {do: devices, offline: true},
	"signout": {do: signOut, needs: 1},
}

func signUp(ctx context.Context, s *session, _ []string) error {
	if err := s.SignUp(ctx, s.as, "command line"); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s has an account, with this device\n", s.Me().Name)
	return nil
}

func link(ctx context.Context, s *session, args []string) error {
	if err := s.Link(ctx, args[0], s.as); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "this device is %s's, too\n", s.Me().Name)
	return nil
}

func code(ctx context.Context, s *session, _ []string) error {
	code, err := s.LinkCode(ctx)
	if err == nil {
		fmt.Fprintln(s.out, code)
	}
	return err
}

func send(ctx context.Context, s *session, args []string) error {
	id, err := s.talk(ctx, args[0])
	if err != nil {
		return err
	}
	message, err := s.Say(id, strings.Join(args[1:], " "), "", nil)
	if err != nil {
		return err
	}
	var line api.Line
	err = s.await(ctx, "send the message; it stays in the outbox", func() bool {
		for _, l := range s.View(id, 100).Lines {
			if l.ID == message {
				line = l
			}
		}
		return line.State != "" && line.State != api.Sending
	})
	if err == nil && line.State == api.Failed {
		err = fmt.Errorf("the message isn't sent: %s", line.Why)
	}
	return err
}

func group(ctx context.Context, s *session, args []string) error {
	id, err := s.BeginGroup(ctx, messaging.Group, args[0], args[1:])
	if err != nil {
		return err
	}
	return s.await(ctx, "begin the group", func() bool { return s.View(id, 0).Last > 0 })
}

// lines is how many of a conversation are shown.
const lines = 50

func read(ctx context.Context, s *session, args []string) error {
	if err := s.LearnNames(ctx); err != nil {
		return err
	}
	for _, v := range s.Talks() {
		if len(args) > 0 && v.Title != args[0] {
			continue
		}
		fmt.Fprintf(s.out, "== %s\n", v.Title)
		for _, l := range s.View(v.ID, lines).Lines {
			s.print(v, l)
		}
		if err := s.Seen(v.ID); err != nil {
			return err
		}
	}
	return nil
}

func follow(ctx context.Context, s *session, _ []string) error {
	printed := map[messaging.ConversationID]messaging.Seq{}
	for _, v := range s.Talks() {
		printed[v.ID] = v.Last
	}
	return s.await(ctx, "follow", func() bool {
		for _, v := range s.Talks() {
			for _, l := range s.View(v.ID, lines).Lines {
				if l.Seq > printed[v.ID] {
					s.print(v, l)
				}
			}
			printed[v.ID] = v.Last
		}
		return ctx.Err() != nil // Ctrl-C is how it is meant to end
	})
}

func (s *session) print(v api.View, l api.Line) {
	who := "?"
	for _, m := range v.Members {
		if m.User == l.Sender.User {
			who = m.Name
		}
	}
	text := l.Text
	switch {
	case l.Kind != messaging.Posted:
		text = "(" + string(l.Kind) + ")"
	case l.Deleted:
		text = "(deleted)"
	case l.Why != "":
		text = "(" + l.Why + ")"
	case l.Media != nil:
		text = "[" + l.Media.Name + "] " + text
	}
	if l.Edited {
		text += " (edited)"
	}
	for _, r := range l.Reactions {
		text += fmt.Sprintf(" %s%d", r.Emoji, len(r.Users))
	}
	if l.State != "" {
		text += " · " + string(l.State)
	}
	fmt.Fprintf(s.out, "%s  %s: %s\n", l.At.Local().Format("15:04"), who, text)
}

func safety(ctx context.Context, s *session, args []string) error {
	with, err := s.Find(ctx, args[0])
	if err != nil {
		return err
	}
	number, err := s.SafetyNumber(ctx, with)
	if err == nil {
		fmt.Fprintln(s.out, number)
	}
	return err
}

func accept(ctx context.Context, s *session, args []string) error {
	with, err := s.Find(ctx, args[0])
	if err != nil {
		return err
	}
	return s.Accept(with)
}

func devices(ctx context.Context, s *session, _ []string) error {
	all, err := s.Devices(ctx)
	for _, d := range all {
		this := ""
		if d.This {
			this = " (this one)"
		}
		fmt.Fprintf(s.out, "%d  %s%s\n", d.Device.Device, d.Name, this)
	}
	return err
}

func signOut(ctx context.Context, s *session, args []string) error {
	number, err := strconv.Atoi(args[0])
	if err != nil {
		return fmt.Errorf("%q is no device's number: `chat devices` lists them", args[0])
	}
	return s.SignOut(ctx, messaging.DeviceID(number))
}
