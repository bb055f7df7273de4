package curveballs

import (
	"bytes"
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/device"
	messenger "designkits/cases/messaging/device"
	"designkits/shared/curveball"
)

// A talk is a conversation of two, of whom one writes and the other is looked at.
type talk struct {
	conversation messaging.ConversationID
	from, to     messaging.Address
	writer       *device.Device
	reader       *messenger.Device
}

// two makes two people, each with one device, connects them, and has the one begin a
// conversation with the other.
func (s *site) two(ctx context.Context) (*talk, error) {
	var k talk
	var err error
	if k.from, k.writer, err = s.one(ctx); err != nil {
		return nil, err
	}
	if k.to, _, err = s.one(ctx); err != nil {
		return nil, err
	}
	k.conversation = messaging.DirectID(k.from.User, k.to.User)
	return &k, s.begin(ctx, k.writer, k.conversation, "", k.to.User)
}

// talk has so many messages said in each conversation, after its beginning if it is
// the first time.
func (s *site) talk(ctx context.Context, talks []*talk, each int, begin bool) error {
	all, ctx := errgroup.WithContext(ctx)
	for _, k := range talks {
		all.Go(func() error {
			if begin {
				if err := s.begin(ctx, k.writer, k.conversation, "", k.to.User); err != nil {
					return err
				}
			}
			for n := range each {
				if _, err := s.say(ctx, k.writer, text(k.conversation, fmt.Sprint("number ", n))); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return all.Wait()
}

// listen runs a device until the trial ends: as it ships, or one that only listens.
func (s *site) listen(t *curveball.Trial, a messaging.Address, gateways func() []string) *messenger.Device {
	dial := device.Dial
	if t.Option("clients", "catch up") == "listen" {
		dial = func(ctx context.Context, gateway string, protocols []string) (messenger.Conn, error) {
			conn, err := device.Dial(ctx, gateway, protocols)
			return &listener{Conn: conn}, err
		}
	}
	d := messenger.New(messenger.Config{Address: a, Token: s.Token(a), Gateways: gateways, Dial: dial, Shown: func(m messaging.Message) error {
		s.Book.Shown(a, m)
		return nil
	}})
	running, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(running) }() // ends with the trial
	t.Cleanup(func(context.Context) error { end(); <-ended; return nil })
	return d
}

// A listener is the connection of a client that shows what it hears: what waited for
// it while it was away it leaves out, and of what it misses it doesn't ask.
type listener struct {
	messenger.Conn
	current bool // only its reader looks
}

func (l *listener) Read(ctx context.Context) ([]byte, error) {
	for {
		frame, err := l.Conn.Read(ctx)
		if err != nil || l.current || !bytes.HasPrefix(frame, []byte(`{"type":"message"`)) {
			l.current = l.current || bytes.HasPrefix(frame, []byte(`{"type":"current"`))
			return frame, err
		}
	}
}

func (l *listener) Write(frame []byte) error {
	if bytes.HasPrefix(frame, []byte(`{"type":"history"`)) {
		return nil
	}
	return l.Conn.Write(frame)
}
