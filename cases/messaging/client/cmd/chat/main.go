// Command chat is the messenger for the command line.
//
//	chat -as ana signup                 makes an account of that name
//	chat -as ana code                   shows a code that links another device
//	chat -as ana-laptop link CODE       links a device to the person who has shown it
//	chat -as ana send bo hello there    writes to somebody
//	chat -as ana group walks bo cy      begins a group
//	chat -as ana send walks at eight?   writes to it
//	chat -as ana read [bo]              shows what there is, and marks it as read
//	chat -as ana follow                 shows what comes, until Ctrl-C
//	chat -as ana safety bo              the number that both compare
//	chat -as ana accept bo              takes a key of theirs that has changed
//	chat -as ana devices                lists one's own devices
//	chat -as ana signout 2              signs one of them out
//
// Each -as is a device of its own; its keys and messages are in a file that only its
// owner may read, below the user's configuration folder or -state.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/client/api"
	"designkits/cases/messaging/client/e2e"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "chat:", err)
		cancel()
		os.Exit(1)
	}
}

// within is how long a command but follow may take.
const within = time.Minute

// errUsage is of a command that isn't one.
var errUsage = errors.New("say what to do: signup, link, code, send, group, read, follow, safety, accept, devices or signout; -h tells more")

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("chat", flag.ContinueOnError)
	as := flags.String("as", os.Getenv("CHAT_AS"), "the device, a name of your choice; for signup the person's")
	gateway := flags.String("gateway", "127.0.0.1:8141", "a gateway to begin with, host:port")
	state := flags.String("state", "", "the folder of the devices' files (default below the configuration folder)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *as == "" || flags.NArg() == 0 {
		return errUsage
	}
	command, ok := commands[flags.Arg(0)]
	if !ok || flags.NArg()-1 < command.needs {
		return errUsage
	}
	c, closing, err := open(*state, *as, *gateway)
	if err != nil {
		return err
	}
	defer closing()
	if !command.stays {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, within)
		defer cancel()
	}
	s := &session{Client: c, out: out, as: *as}
	if command.offline {
		return command.do(ctx, s, flags.Args()[1:])
	}
	return s.connected(ctx, func(ctx context.Context) error { return command.do(ctx, s, flags.Args()[1:]) })
}

func open(folder, as, gateway string) (*api.Client, func(), error) {
	if folder == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return nil, nil, fmt.Errorf("find the configuration folder: %w: give one with -state", err)
		}
		folder = filepath.Join(config, "designkits-chat")
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make the folder of the devices' files: %w", err)
	}
	store, err := e2e.OpenFile(filepath.Join(folder, filepath.Base(as)+".json"))
	if err != nil {
		return nil, nil, err
	}
	c, err := api.Open(api.Config{Store: store, Gateway: gateway})
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	return c, func() { _ = store.Close() }, nil // only the lock is let go
}

// A session is a command's run.
type session struct {
	*api.Client
	out io.Writer
	as  string
}

// errDone ends the connection when the command has done its work.
var errDone = errors.New("done")

// connected runs do while the device is connected and has caught up.
func (s *session) connected(ctx context.Context, do func(context.Context) error) error {
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error { return s.Run(ctx) })
	work.Go(func() error {
		if err := s.await(ctx, "connect", func() bool { return s.Me().Current }); err != nil {
			return err
		}
		if err := do(ctx); err != nil {
			return err
		}
		return errDone
	})
	if err := work.Wait(); !errors.Is(err, errDone) {
		return err
	}
	return nil
}

// look is how often a condition is looked at.
const look = 20 * time.Millisecond

func (s *session) await(ctx context.Context, what string, holds func() bool) error {
	every := time.NewTicker(look)
	defer every.Stop()
	for !holds() {
		select {
		case <-every.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, context.Cause(ctx))
		}
	}
	return nil
}

// talk is the conversation that a name means: that of a group, or of a person.
func (s *session) talk(ctx context.Context, name string) (messaging.ConversationID, error) {
	for _, v := range s.Talks() {
		if v.Title == name && v.Kind != messaging.Direct {
			return v.ID, nil
		}
	}
	return s.Begin(ctx, name)
}
