package device_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/device"
	"designkits/cases/messaging/wire"
)

const walks = messaging.ConversationID("g0123456789abcdef")

var ana = messaging.Address{User: "u0123456789abcdef", Device: 1}

// A line is a connection whose other end is the test.
type line struct {
	down chan []byte
	mu   sync.Mutex
	up   []any
	end  context.CancelFunc
	ends context.Context
}

func newLine() *line {
	ctx, cancel := context.WithCancel(context.Background())
	return &line{down: make(chan []byte), end: cancel, ends: ctx}
}

func (l *line) Read(ctx context.Context) ([]byte, error) {
	select {
	case frame := <-l.down:
		return frame, nil
	case <-l.ends.Done():
		return nil, io.EOF
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *line) Write(text []byte) error {
	frame, err := wire.Up(text)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.up = append(l.up, frame)
	return err
}

func (l *line) Close() { l.end() }

func (l *line) say(frames ...any) {
	for _, f := range frames {
		l.down <- wire.Encode(f)
	}
}

// asked takes the pages of rosters that were asked for since.
func (l *line) asked() []wire.Members { return taken[wire.Members](l) }

// acks takes the acknowledgements that were sent since.
func (l *line) acks() []wire.Ack { return taken[wire.Ack](l) }

// taken is what was sent since of one kind; the rest is forgotten.
func taken[F any](l *line) (all []F) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, frame := range l.up {
		if f, ok := frame.(*F); ok {
			all = append(all, *f)
		}
	}
	l.up = nil
	return all
}

func message(s messaging.Seq) wire.Message {
	return wire.Message{Message: messaging.Message{Draft: messaging.Draft{Conversation: walks, Sender: ana, Kind: messaging.Posted}, Seq: s}}
}

func run(t *testing.T, l *line, cfg device.Config) (end func() error) {
	_, end = begin(t, l, cfg)
	return end
}

// begin lets a device talk to the line, within a synctest bubble, until end.
func begin(t *testing.T, l *line, cfg device.Config) (d *device.Device, end func() error) {
	cfg.Address, cfg.Gateways = ana, func() []string { return []string{"gateway"} }
	cfg.Dial = func(context.Context, string, []string) (device.Conn, error) { return l, nil }
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	d = device.New(cfg)
	go func() { ended <- d.Run(ctx) }()
	l.say(wire.Welcome{Device: ana, Gateway: "gateway"})
	return d, func() error { cancel(); return <-ended }
}

// A message comes again when its acknowledgement was lost with a gateway. Without
// another one that gateway would send nothing more.
func TestWhatComesAgainIsAcknowledgedAgainAndShownOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, shown := newLine(), 0
		end := run(t, l, device.Config{Shown: func(messaging.Message) error { shown++; return nil }})
		for range 2 {
			l.say(message(1), message(2), message(3))
			synctest.Wait()
			<-time.After(time.Second) // of the bubble's clock
			if acks := l.acks(); len(acks) != 1 || acks[0].Seq != 3 {
				t.Errorf("%+v; want one, up to 3", acks)
			}
		}
		if shown != 3 {
			t.Errorf("%d messages are shown, want 3", shown)
		}
		if err := end(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// Whoever is connected elsewhere, or was signed out, stays away; whoever lost the
// connection, or couldn't make one, comes back.
func TestWhoIsReplacedStaysAway(t *testing.T) {
	gaveUp, replaced, out := errors.New("gave up"), &device.Closed{Code: wire.CodeReplaced}, &device.Closed{Code: wire.CodeRevoked}
	for name, ends := range map[string][]error{ // of dials that fail, or of the connections of those that don't
		"elsewhere":  {gaveUp, io.EOF, replaced},
		"signed out": {io.EOF, gaveUp, out},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dials := 0
				d := device.New(device.Config{Address: ana, Gateways: func() []string { return []string{"gateway"} },
					Dial: func(context.Context, string, []string) (device.Conn, error) {
						end := ends[dials]
						dials++
						if end == gaveUp {
							return nil, end
						}
						return brief{end, time.Second}, nil
					}})
				if err := d.Run(t.Context()); dials != len(ends) || !errors.Is(err, ends[len(ends)-1]) {
					t.Errorf("%d dials, then %v; want %d, then %v", dials, err, len(ends), ends[len(ends)-1])
				}
			})
		})
	}
}

// A brief connection brings nothing and ends like this after a while.
type brief struct {
	end   error
	after time.Duration
}

func (b brief) Read(context.Context) ([]byte, error) {
	<-time.After(b.after) // of the bubble's clock
	return nil, b.end
}
func (brief) Write([]byte) error { return nil }
func (brief) Close()             {}

// A gateway that is frozen answers nothing, and closes nothing.
func TestAGatewayThatDoesNotAnswerIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		d, end := begin(t, l, device.Config{})
		synctest.Wait()
		d.Members(walks)
		l.say(wire.Roster{Conversation: walks})
		<-time.After(time.Minute)
		if l.ends.Err() != nil {
			t.Fatal("it is given up though it has answered")
		}
		d.Members(walks)
		<-time.After(device.AnswerWithin + time.Second)
		if l.ends.Err() == nil {
			t.Error("it isn't given up")
		}
		if err := end(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// What can't be kept is not acknowledged, and the device ends with the reason.
func TestWhatCannotBeKeptIsNotAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, full := newLine(), errors.New("the disk is full")
		end := run(t, l, device.Config{Has: map[messaging.ConversationID]messaging.Seq{walks: 4}, Shown: func(m messaging.Message) error {
			if m.Seq == 6 {
				return full
			}
			return nil
		}})
		l.say(message(5), message(6))
		synctest.Wait()
		<-time.After(time.Second)
		for _, ack := range l.acks() {
			if ack.Seq > 5 {
				t.Errorf("%+v", ack)
			}
		}
		if err := end(); !errors.Is(err, full) {
			t.Errorf("%v", err)
		}
	})
}
