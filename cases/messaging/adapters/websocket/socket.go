package websocket

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// A socket is the net.Conn that gorilla writes to. Once the handshake is done
// what it writes, frames, is only collected; the connection's pump takes it from
// there to the kernel, as much as that takes.
type socket struct {
	net.Conn
	raw    syscall.RawConn // nil where the kernel can't be asked: with TLS
	fd     int32           // good until close, which holds Conn.mu
	framed bool            // the handshake is done
	frames []byte          // collected
}

// errNothing says that the kernel has nothing to read, or no room, just now.
var errNothing = errors.New("not now")

// upgraded ends the handshake. With alone set the kernel isn't asked.
func (s *socket) upgraded(alone bool) {
	s.framed = true
	conn := s.Conn
	if counted, ok := conn.(*unfinished); ok {
		conn = counted.Conn
		s.Conn = conn
		counted.finished()
	}
	if direct, ok := conn.(syscall.Conn); ok && !alone {
		s.raw, s.fd = rawOf(direct)
	}
}

// Write implements net.Conn for gorilla.
func (s *socket) Write(p []byte) (int, error) {
	if !s.framed {
		return s.Conn.Write(p)
	}
	s.frames = append(s.frames, p...)
	return len(p), nil
}

// SetWriteDeadline implements net.Conn for gorilla, which sets one for each frame.
func (s *socket) SetWriteDeadline(t time.Time) error {
	if s.framed {
		return nil
	}
	return s.Conn.SetWriteDeadline(t)
}

// close ends the connection; who reads or writes gets an error.
func (s *socket) close() { _ = s.Conn.Close() } // nothing is left to be lost

// closeWrite tells the peer that nothing more will come, while it is still read.
func (s *socket) closeWrite() {
	if half, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // it has gone, then
	}
}

// read reads what is there; errNothing where that is nothing.
func (s *socket) read(p []byte) (n int, err error) {
	fail := s.raw.Read(func(fd uintptr) bool {
		n, err = readNow(int(fd), p)
		return true // whatever came of it: nobody waits here
	})
	if fail != nil {
		return 0, fail
	}
	return n, err
}

// write writes what was collected. Where the kernel can be asked it writes what it
// takes, and returns how much is left; otherwise it waits until all is written.
func (s *socket) write(timeout time.Duration) (left int, err error) {
	if s.raw == nil {
		if err := s.Conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
			return 0, err
		}
		if _, err := s.Conn.Write(s.frames); err != nil {
			return 0, err
		}
		s.written()
		return 0, nil
	}
	fail := s.raw.Write(func(fd uintptr) bool {
		for err == nil && len(s.frames) > 0 {
			var n int
			n, err = writeNow(int(fd), s.frames)
			s.frames = s.frames[n:]
		}
		return true
	})
	if fail != nil {
		return 0, fail
	}
	if err != nil && err != errNothing {
		return 0, err
	}
	if len(s.frames) == 0 {
		s.written()
	}
	return len(s.frames), nil
}

// written gives the buffer back.
func (s *socket) written() {
	const keep = 64 << 10
	if buffer := s.frames[:0]; cap(buffer) <= keep {
		batches.Put(&buffer)
	}
	s.frames = nil
}
