package websocket_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	gorilla "github.com/gorilla/websocket"
	"pgregory.net/rapid"

	"designkits/cases/messaging/adapters/websocket"
)

func TestTextGoesToTheSessionAndBack(t *testing.T) {
	each(t, func(t *testing.T, config websocket.Config) {
		s := newScene(t, config, echoes)
		for _, compress := range []bool{false, true} {
			c := s.dial(func(d *gorilla.Dialer, _ http.Header) { d.EnableCompression = compress })
			for _, want := range []string{"", "ünïcode ✓", strings.Repeat("long, and worth compressing. ", 2000)} {
				if err := c.WriteMessage(gorilla.TextMessage, []byte(want)); err != nil {
					t.Fatal(err)
				}
				kind, got, err := c.ReadMessage()
				if err != nil || kind != gorilla.TextMessage || string(got) != want {
					t.Fatalf("compressed %v: %d, %.30q, %v, want %.30q", compress, kind, got, err, want)
				}
			}
		}
	})
}

// frame is a masked frame as a client sends it.
func frame(fin bool, op byte, payload []byte) []byte {
	first := op
	if fin {
		first |= 0x80
	}
	out := []byte{first}
	switch n := len(payload); {
	case n < 126:
		out = append(out, 0x80|byte(n))
	case n < 1<<16:
		out = binary.BigEndian.AppendUint16(append(out, 0x80|126), uint16(n))
	default:
		out = binary.BigEndian.AppendUint64(append(out, 0x80|127), uint64(n))
	}
	mask := [4]byte{0x1f, 0xa7, 0x00, 0xe3}
	out = append(out, mask[:]...)
	for i, b := range payload {
		out = append(out, b^mask[i&3])
	}
	return out
}

// readFrame is a frame as the server sends it, none of them in fragments.
func readFrame(r io.Reader) (op byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	length := uint64(head[1])
	if extended := map[byte]int{126: 2, 127: 8}[head[1]]; extended > 0 {
		var wide [8]byte
		if _, err := io.ReadFull(r, wide[8-extended:]); err != nil {
			return 0, nil, err
		}
		length = binary.BigEndian.Uint64(wide[:])
	}
	payload = make([]byte, length)
	_, err = io.ReadFull(r, payload)
	return head[0] & 0x0f, payload, err
}

// However a message is cut into fragments, those mixed with pings, and all of it
// into pieces that arrive one by one, it comes back as it was.
func TestMessagesAreTheSameHoweverTheyArrive(t *testing.T) {
	each(t, func(t *testing.T, config websocket.Config) {
		s := newScene(t, config, echoes)
		conn := s.raw()
		rapid.Check(t, func(t *rapid.T) {
			var sent []byte
			type want struct {
				op      byte
				payload string
			}
			var wants []want
			for range rapid.IntRange(1, 3).Draw(t, "messages") {
				op := byte(gorilla.TextMessage)
				text := []byte(rapid.StringN(-1, -1, 300).Draw(t, "text"))
				if rapid.Bool().Draw(t, "binary") {
					op, text = gorilla.BinaryMessage, rapid.SliceOfN(rapid.Byte(), 0, 70_000/rapid.IntRange(1, 1000).Draw(t, "size")).Draw(t, "data")
					text = text[:min(len(text), 60_000)]
				}
				wants = append(wants, want{op, string(text)})
				first := op
				for rest, last := text, false; !last; first = 0 {
					n := rapid.IntRange(0, len(rest)).Draw(t, "fragment")
					last = rapid.IntRange(0, 2).Draw(t, "last") == 0
					if last {
						n = len(rest)
					}
					sent = append(sent, frame(last, first, rest[:n])...)
					rest = rest[n:]
					if !last && rapid.IntRange(0, 3).Draw(t, "ping") == 0 {
						ping := rapid.SliceOfN(rapid.Byte(), 0, 125).Draw(t, "payload")
						sent = append(sent, frame(true, gorilla.PingMessage, ping)...)
						wants = append(wants[:len(wants)-1], want{gorilla.PongMessage, string(ping)}, wants[len(wants)-1])
					}
				}
			}
			for len(sent) > 0 {
				n := rapid.IntRange(1, len(sent)).Draw(t, "piece")
				if _, err := conn.Write(sent[:n]); err != nil {
					t.Fatal(err)
				}
				sent = sent[n:]
			}
			for _, w := range wants {
				op, payload, err := readFrame(conn)
				if err != nil || op != w.op || string(payload) != w.payload {
					t.Fatalf("%d, %.40q, %v, want %d, %.40q", op, payload, err, w.op, w.payload)
				}
			}
		})
	})
}

// A message larger than the kernel's buffers goes out in many parts; between and
// after them the connection is still read.
func TestAnswersLargerThanTheKernelsBuffers(t *testing.T) {
	each(t, func(t *testing.T, config websocket.Config) {
		config.MaxMessage, config.QueueBytes = 16<<20, 64<<20
		s := newScene(t, config, echoes)
		c := s.dial()
		want := bytes.Repeat([]byte("0123456789abcdef"), 1<<19)
		for range 3 {
			if err := c.WriteMessage(gorilla.BinaryMessage, want); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			if _, got, err := c.ReadMessage(); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%d bytes, %v, want %d", len(got), err, len(want))
			}
		}
		if err := c.WriteMessage(gorilla.TextMessage, []byte("and now?")); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.ReadMessage(); err != nil || string(got) != "and now?" {
			t.Fatalf("%q, %v", got, err)
		}
	})
}

func TestWhatAPeerDoesWrongIsAnsweredWithACode(t *testing.T) {
	large := bytes.Repeat([]byte("x"), 1000)
	unmasked := []byte{0x81, 2, 'h', 'i'}
	huge := append([]byte{0x82, 0x80 | 127}, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4)
	for name, c := range map[string]struct {
		sent []byte
		code int
	}{
		"binary where text is due":          {frame(true, 2, []byte("x")), 1003},
		"too large":                         {frame(true, 1, large), 1009},
		"too large in fragments":            {append(frame(false, 1, large[:90]), frame(true, 0, large[:90])...), 1009},
		"said to be 2^48 bytes":             {huge, 1009},
		"no UTF-8":                          {frame(true, 1, []byte("\xc3\x28")), 1007},
		"no UTF-8, unfinished":              {frame(false, 1, []byte("ab\xf4\x90")), 1007},
		"UTF-8 that ends within a rune":     {frame(true, 1, []byte("\xe2\x9c")), 1007},
		"not masked":                        {unmasked, 1002},
		"a reserved bit":                    {frame(true, 0x41, nil), 1002},
		"an unknown kind":                   {frame(true, 3, nil), 1002},
		"a continuation of nothing":         {frame(true, 0, nil), 1002},
		"a message within another":          {append(frame(false, 1, nil), frame(true, 1, nil)...), 1002},
		"a ping in fragments":               {frame(false, 9, nil), 1002},
		"a ping of 126 bytes":               {frame(true, 9, large[:126]), 1002},
		"a length in more bytes than due":   {[]byte{0x81, 0x80 | 126, 0, 5, 1, 2, 3, 4}, 1002},
		"a close frame with half a code":    {frame(true, 8, []byte{3}), 1002},
		"a close frame with a code of ours": {frame(true, 8, []byte{0x03, 0xee}), 1002},
		"a close frame, its reason no text": {frame(true, 8, []byte{0x03, 0xe8, 0xff}), 1007},
	} {
		t.Run(name, func(t *testing.T) {
			var r *recorder // of the latest
			s := newScene(t, websocket.Config{MaxMessage: 100}, func(*http.Request) websocket.Session { r = &recorder{t: t}; return r })
			beside := s.dial()
			conn := s.raw()
			if _, err := conn.Write(append(c.sent, frame(true, 1, []byte("what follows"))...)); err != nil {
				t.Fatal(err)
			}
			op, payload, err := readFrame(conn)
			if err != nil || op != gorilla.CloseMessage || len(payload) < 2 {
				t.Fatalf("%d, %q, %v, want a close frame", op, payload, err)
			}
			if code := int(binary.BigEndian.Uint16(payload)); code != c.code {
				t.Errorf("closed with %d, %s, want %d", code, payload[2:], c.code)
			}
			if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("%v, want the end of the stream", err)
			}
			if !r.is(func() bool { return len(r.frames) == 0 }) {
				t.Error("the session got a frame")
			}
			if err := beside.WriteMessage(gorilla.TextMessage, []byte("x")); err != nil {
				t.Errorf("the connection beside: %v", err)
			}
		})
	}
}

// A few bytes may claim to be very many.
func TestADecompressedMessageMayNotBeTooLarge(t *testing.T) {
	s := newScene(t, websocket.Config{MaxMessage: 100_000}, echoes)
	c := s.dial(func(d *gorilla.Dialer, _ http.Header) { d.EnableCompression = true })
	if err := c.WriteMessage(gorilla.TextMessage, make([]byte, 5<<20)); err != nil {
		t.Fatal(err)
	}
	if code, _ := closeCode(t, c); code != gorilla.CloseMessageTooBig {
		t.Errorf("closed with %d", code)
	}
}

func TestGarbageIsNoCompressedMessage(t *testing.T) {
	s := newScene(t, websocket.Config{}, echoes)
	c := s.dial(func(d *gorilla.Dialer, _ http.Header) { d.EnableCompression = true })
	bad := frame(true, 1, []byte("\xff\xff\xff\xff"))
	bad[0] |= 0x40
	if _, err := c.NetConn().Write(bad); err != nil {
		t.Fatal(err)
	}
	if code, _ := closeCode(t, c); code != gorilla.CloseProtocolError {
		t.Errorf("closed with %d", code)
	}
}

func TestEitherSideMayClose(t *testing.T) {
	each(t, func(t *testing.T, config websocket.Config) {
		for _, peer := range []bool{true, false} {
			r := &recorder{t: t}
			s := newScene(t, config, func(*http.Request) websocket.Session { return r })
			c := s.dial()
			if peer {
				if err := c.WriteControl(gorilla.CloseMessage, gorilla.FormatCloseMessage(4001, "bye"), deadline()); err != nil {
					t.Fatal(err)
				}
			} else {
				await(t, "opened", func() bool { return r.is(func() bool { return r.conn != nil }) })
				r.conn.Close(4001, "bye")
				r.conn.Close(4002, "again")
			}
			if code, _ := closeCode(t, c); code != 4001 {
				t.Errorf("closed by the peer %v: the client gets %d", peer, code)
			}
			await(t, "Closed", func() bool { return r.is(func() bool { return r.closed == 1 && r.code == 4001 && r.reason == "bye" }) })
			if err := r.conn.Send([]byte("x")); err != websocket.ErrClosed {
				t.Errorf("send after the end: %v", err)
			}
		}
	})
}

// reset ends a connection as a phone that loses its network does, or worse.
func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

func TestAConnectionThatJustEndsIsClosed(t *testing.T) {
	each(t, func(t *testing.T, config websocket.Config) {
		for n, end := range []func(net.Conn){func(c net.Conn) { _ = c.Close() }, reset} {
			r := &recorder{t: t}
			s := newScene(t, config, func(*http.Request) websocket.Session { return r })
			conn := s.raw()
			if _, err := conn.Write(frame(false, 1, []byte("half a mess"))); err != nil {
				t.Fatal(err)
			}
			end(conn)
			await(t, fmt.Sprintf("Closed, %d", n), func() bool { return r.is(func() bool { return r.closed == 1 && r.code == websocket.CodeAbnormal }) })
			await(t, "forgotten", func() bool { return s.Connections() == 0 })
		}
	})
}

func TestASessionThatPanicsCostsItsConnectionOnly(t *testing.T) {
	s := newScene(t, websocket.Config{}, func(*http.Request) websocket.Session {
		return &recorder{t: t, frame: func(c *websocket.Conn, text string) {
			if text == "panic" {
				panic("as asked")
			}
			_ = c.Send([]byte(text)) // the test sees whether it came
		}}
	})
	beside, c := s.dial(), s.dial()
	if err := c.WriteMessage(gorilla.TextMessage, []byte("panic")); err != nil {
		t.Fatal(err)
	}
	if code, _ := closeCode(t, c); code != gorilla.CloseInternalServerErr {
		t.Errorf("closed with %d", code)
	}
	if err := beside.WriteMessage(gorilla.TextMessage, []byte("well?")); err != nil {
		t.Fatal(err)
	}
	if _, got, err := beside.ReadMessage(); err != nil || string(got) != "well?" {
		t.Errorf("%q, %v", got, err)
	}
}
