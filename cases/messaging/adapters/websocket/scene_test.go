package websocket_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"

	"designkits/cases/messaging/adapters/websocket"
	"designkits/shared/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// resume is the frame that tells a client of the tests to catch up.
const resume = `{"type":"resume"}`

// A scene is a server with an endpoint.
type scene struct {
	*websocket.Server
	t    *testing.T
	http *httptest.Server
}

// newScene serves sessions until the test ends.
func newScene(t *testing.T, config websocket.Config, open func(*http.Request) websocket.Session) *scene {
	t.Helper()
	config.Resume = []byte(resume)
	server, err := websocket.New(config)
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{Server: server, t: t}
	s.http = httptest.NewServer(server.Handler(func(_ http.ResponseWriter, r *http.Request) websocket.Session { return open(r) }))
	t.Cleanup(func() {
		s.http.Close()
		server.Close()
		if n := server.Connections(); n != 0 {
			t.Errorf("closed, the server has %d connections", n)
		}
	})
	return s
}

// echoes is what each connection of a scene gets that just echoes.
func echoes(*http.Request) websocket.Session { return websocket.Echo{} }

// each runs a test with both ways to wait for what clients send.
func each(t *testing.T, test func(t *testing.T, config websocket.Config)) {
	t.Run("watched", func(t *testing.T) { test(t, websocket.Config{}) })
	t.Run("alone", func(t *testing.T) { test(t, websocket.Config{}.Alone()) })
}

func deadline() time.Time { return time.Now().Add(2 * time.Minute) }

// dial connects a client that is closed with the test.
func (s *scene) dial(change ...func(*gorilla.Dialer, http.Header)) *gorilla.Conn {
	s.t.Helper()
	c, res, err := s.tryDial(change...)
	if err != nil {
		s.t.Fatalf("connect: %v, %v", err, res)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetReadDeadline(deadline())
	return c
}

func (s *scene) tryDial(change ...func(*gorilla.Dialer, http.Header)) (*gorilla.Conn, *http.Response, error) {
	dialer, header := gorilla.Dialer{HandshakeTimeout: 20 * time.Second}, http.Header{}
	for _, c := range change {
		c(&dialer, header)
	}
	return dialer.Dial("ws"+strings.TrimPrefix(s.http.URL, "http"), header)
}

// raw connects and returns what is below the frames.
func (s *scene) raw() net.Conn {
	s.t.Helper()
	conn := s.dial().NetConn()
	_ = conn.SetDeadline(deadline())
	return conn
}

// closeCode reads until the peer closes.
func closeCode(t *testing.T, c *gorilla.Conn) (code int, reason string) {
	t.Helper()
	for {
		if _, _, err := c.ReadMessage(); err != nil {
			var closed *gorilla.CloseError
			if !errors.As(err, &closed) {
				t.Fatalf("%v, want a close frame", err)
			}
			return closed.Code, closed.Text
		}
	}
}

// await waits until it is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(2 * time.Minute)
	for !so() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// A recorder is a session that writes down what it is told.
type recorder struct {
	t     *testing.T
	frame func(c *websocket.Conn, text string) // nil: just writes down

	mu     sync.Mutex
	conn   *websocket.Conn
	frames []string
	code   websocket.Code
	reason string
	closed int
	inside int // methods that run
}

func (r *recorder) enter(method string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.inside++; r.inside > 1 || r.closed > 0 {
		r.t.Errorf("%s is called while another method runs, or after Closed", method)
	}
}

func (r *recorder) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inside--
}

func (r *recorder) Opened(c *websocket.Conn) {
	r.enter("Opened")
	defer r.leave()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conn = c
}

func (r *recorder) Frame(c *websocket.Conn, text []byte) {
	r.enter("Frame")
	defer r.leave()
	r.mu.Lock()
	r.frames = append(r.frames, string(text))
	r.mu.Unlock()
	if r.frame != nil {
		r.frame(c, string(text))
	}
}

func (r *recorder) Closed(_ *websocket.Conn, code websocket.Code, reason string) {
	r.enter("Closed")
	defer r.leave()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.code, r.reason = code, reason
	r.closed++
}

// is looks at the recorder while nothing changes it.
func (r *recorder) is(so func() bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return so()
}
