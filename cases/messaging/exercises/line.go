package exercises

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"designkits/cases/messaging"
	"designkits/cases/messaging/identity"
)

// A Frame is one that came. A check may know of more than package wire does: it
// finds that in Text.
type Frame struct {
	Type         string                   `json:"type"`
	Ref          string                   `json:"ref"`
	Kind         string                   `json:"kind"` // of a message, or of an error
	Detail       string                   `json:"detail"`
	Conversation messaging.ConversationID `json:"conversation"`
	ID           messaging.MessageID      `json:"id"`
	Sender       messaging.Address        `json:"sender"`
	Seq          messaging.Seq            `json:"seq"`
	By           messaging.UserID         `json:"by"`
	On           bool                     `json:"on"`
	Body         messaging.Body           `json:"body"`
	Messages     []messaging.Message      `json:"messages"`
	Text         json.RawMessage          `json:"-"` // all of it
}

func (f Frame) String() string { return fmt.Sprintf("%.300s", f.Text) }

// Refused reports whether it is an error of that kind.
func (f Frame) Refused(kind string) bool { return f.Type == "error" && f.Kind == kind }

// A Line is a device's connection. It keeps every frame that came, and sends fewer than
// a gateway takes of one device, which are 50 a second and 200 at once.
type Line struct {
	t     testing.TB
	owner *Device
	conn  *websocket.Conn
	pace  *rate.Limiter
	acks  atomic.Bool // messages are acknowledged as they come

	writing sync.Mutex
	mu      sync.Mutex
	frames  []Frame
	ended   error
	came    chan struct{} // closed, and made anew, with each frame
	refs    int
}

// Dial connects the device to a gateway, and doesn't ask for anything yet.
func (d *Device) Dial(gateway int) *Line {
	t := d.c.t
	t.Helper()
	dialer := websocket.Dialer{HandshakeTimeout: within, Subprotocols: []string{identity.Protocol, identity.Bearer(d.Token)}}
	conn, _, err := dialer.DialContext(t.Context(), "ws://"+d.c.gateway(gateway)+"/connect", http.Header{})
	if err != nil {
		t.Fatalf("connect to gateway %d, as before: %v", gateway+1, err)
	}
	l := &Line{t: t, owner: d, conn: conn, pace: rate.NewLimiter(40, 150), came: make(chan struct{})}
	var reading sync.WaitGroup
	reading.Go(l.read)
	t.Cleanup(func() { _ = conn.Close(); reading.Wait() })
	l.Await("the gateway's welcome", func(f Frame) bool { return f.Type == "welcome" })
	return l
}

// Connect connects the device to a gateway, catches up, and acknowledges every
// message from then on.
func (d *Device) Connect(gateway int) *Line {
	d.c.t.Helper()
	l := d.Dial(gateway)
	l.acks.Store(true)
	l.Say("resume", nil)
	l.Await("that it is current", func(f Frame) bool { return f.Type == "current" })
	return l
}

// Owner is whose connection it is.
func (l *Line) Owner() *Device { return l.owner }

// Close ends the connection.
func (l *Line) Close() { _ = l.conn.Close() }

func (l *Line) read() {
	for {
		_, text, err := l.conn.ReadMessage()
		f := Frame{Text: text}
		if err == nil {
			err = json.Unmarshal(text, &f)
		}
		l.mu.Lock()
		if err != nil {
			l.ended = err
		} else {
			l.frames = append(l.frames, f)
		}
		close(l.came)
		l.came = make(chan struct{})
		l.mu.Unlock()
		if err != nil {
			return
		}
		if f.Type == "message" && l.acks.Load() {
			l.write("ack", map[string]any{"conversation": f.Conversation, "seq": f.Seq}) // a lost one comes again
		}
	}
}

func (l *Line) write(kind string, members map[string]any) error {
	frame := map[string]any{"type": kind}
	maps.Copy(frame, members)
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.pace.Wait(l.t.Context()); err != nil {
		return err
	}
	return l.conn.WriteJSON(frame)
}

// Say sends a frame.
func (l *Line) Say(kind string, members map[string]any) {
	l.t.Helper()
	if err := l.write(kind, members); err != nil {
		l.t.Fatalf("send a frame of type %s: %v", kind, err)
	}
}

// Ask sends a frame with a ref and returns the one that answers it.
func (l *Line) Ask(kind string, members map[string]any) Frame {
	l.t.Helper()
	l.mu.Lock()
	l.refs++
	ref := fmt.Sprintf("%s %d", kind, l.refs)
	l.mu.Unlock()
	frame := map[string]any{"ref": ref}
	maps.Copy(frame, members)
	l.Say(kind, frame)
	return l.Await("an answer to a frame of type "+kind+", or an error frame with its ref,", func(f Frame) bool {
		// A type that isn't known is refused without a ref.
		return f.Ref == ref || f.Refused("invalid") && f.Ref == ""
	})
}

// Acknowledge acknowledges the messages that came, and those that come.
func (l *Line) Acknowledge() {
	l.t.Helper()
	l.acks.Store(true)
	newest := map[messaging.ConversationID]messaging.Seq{}
	l.mu.Lock()
	for _, f := range l.frames {
		if f.Type == "message" {
			newest[f.Conversation] = max(newest[f.Conversation], f.Seq)
		}
	}
	l.mu.Unlock()
	for c, s := range newest {
		l.Say("ack", map[string]any{"conversation": c, "seq": s})
	}
}

// Find returns the first frame that came of which it holds.
func (l *Line) Find(holds func(Frame) bool) (found Frame, ok bool) {
	found, ok, _, _ = l.find(holds)
	return found, ok
}

func (l *Line) find(holds func(Frame) bool) (found Frame, ok bool, next <-chan struct{}, ended error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.frames {
		if holds(f) {
			return f, true, nil, nil
		}
	}
	return Frame{}, false, l.came, l.ended
}

// Await waits for the first frame of which it holds, or ends the check.
func (l *Line) Await(what string, holds func(Frame) bool) Frame {
	l.t.Helper()
	f, ok := l.Comes(within, holds)
	if !ok {
		_, _, _, ended := l.find(holds)
		l.t.Fatalf("%s is waiting for %s in vain (%v)", l.owner.Account.Device, what, ended)
	}
	return f
}

// Comes waits for such a frame, for so long at most.
func (l *Line) Comes(limit time.Duration, holds func(Frame) bool) (Frame, bool) {
	deadline := time.After(limit)
	for {
		f, ok, next, ended := l.find(holds)
		if ok || ended != nil {
			return f, ok
		}
		select {
		case <-next:
		case <-deadline:
			return Frame{}, false
		}
	}
}

// Count is of how many frames that came it holds.
func (l *Line) Count(holds func(Frame) bool) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.frames {
		if holds(f) {
			n++
		}
	}
	return n
}

// Message is a frame that brings the message of that number.
func Message(c messaging.ConversationID, s messaging.Seq) func(Frame) bool {
	return func(f Frame) bool { return f.Type == "message" && f.Conversation == c && f.Seq == s }
}
