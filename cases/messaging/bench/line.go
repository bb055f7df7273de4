package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// A line is a client's connection, to the case or to a baseline: as little as it
// takes to send frames and to look at those that come, since it runs on the cores
// of what is measured.
type line struct {
	conn *websocket.Conn
	mu   sync.Mutex // of writes
}

var buffers sync.Pool

// dial connects as the nth client: from one of several addresses of this machine,
// each of which has 28,000 ports.
func dial(ctx context.Context, url string, nth int, protocols ...string) (*line, error) {
	from := &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+nth%8))}
	dialer := websocket.Dialer{NetDialContext: (&net.Dialer{LocalAddr: from}).DialContext, HandshakeTimeout: 30 * time.Second,
		Subprotocols: protocols, ReadBufferSize: 256, WriteBufferSize: 256, WriteBufferPool: &buffers}
	conn, res, err := dialer.DialContext(ctx, url, nil)
	if err != nil {
		if res != nil {
			err = fmt.Errorf("%w: %s", err, res.Status)
		}
		return nil, fmt.Errorf("connection %d: %w", nth+1, err)
	}
	return &line{conn: conn}, nil
}

func (l *line) send(frame []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.conn.SetWriteDeadline(time.Now().Add(10*time.Second)), l.conn.WriteMessage(websocket.TextMessage, frame))
}

// read calls heard with what comes, and answers pings, until the connection ends.
func (l *line) read(heard func(frame []byte)) {
	for {
		_, frame, err := l.conn.ReadMessage()
		if err != nil {
			return
		}
		heard(frame)
	}
}

func (l *line) close() { _ = l.conn.Close() } // nothing is asked of it any more

// is reports whether a frame is of that type; the type stands first.
func is(frame []byte, kind string) bool {
	return bytes.HasPrefix(frame, []byte(`{"type":"`+kind+`"`))
}

// member is the value of a member with a string in it, "" where it has none.
func member(frame []byte, name string) string {
	_, rest, found := bytes.Cut(frame, []byte(`"`+name+`":"`))
	if !found {
		return ""
	}
	value, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(value)
}
