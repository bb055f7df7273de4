package websocket

import (
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// An epoll tells which connections have something to read, or room again. Each
// is told once (EPOLLONESHOT) and then not before it is armed anew, so that a
// connection is with one reader at a time.
type epoll struct {
	fd   int
	file *os.File // the same, known to Go's own poller: who waits has no thread
	raw  syscall.RawConn
}

func newEpoll() (*epoll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make an epoll instance: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // which has NewFile ask the poller
		_ = unix.Close(fd)
		return nil, fmt.Errorf("make an epoll instance: %w", err)
	}
	file := os.NewFile(uintptr(fd), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("make an epoll instance: %w", err)
	}
	return &epoll{fd, file, raw}, nil
}

// wait passes events on until close.
func (e *epoll) wait(ready func(at ticket, read, write bool)) {
	events := make([]unix.EpollEvent, 256)
	for {
		n := 0
		err := e.raw.Read(func(fd uintptr) bool {
			err := error(unix.EINTR)
			for err == unix.EINTR {
				n, err = unix.EpollWait(int(fd), events, 0)
			}
			return n > 0 || err != nil
		})
		if err != nil || n < 0 { // closed
			return
		}
		for _, event := range events[:n] {
			gone := event.Events&(unix.EPOLLERR|unix.EPOLLHUP) != 0
			ready(ticket{event.Fd, event.Pad}, gone || event.Events&(unix.EPOLLIN|unix.EPOLLRDHUP) != 0, gone || event.Events&unix.EPOLLOUT != 0)
		}
	}
}

// add begins to watch a connection. Its mu is held, here and in arm: that keeps
// the descriptor from being closed, and given to another, meanwhile.
func (e *epoll) add(c *Conn) error { return e.control(unix.EPOLL_CTL_ADD, c) }

// arm asks for the next event. It can't fail for a descriptor that was added.
func (e *epoll) arm(c *Conn) { _ = e.control(unix.EPOLL_CTL_MOD, c) }

func (e *epoll) control(op int, c *Conn) error {
	event := unix.EpollEvent{Events: unix.EPOLLONESHOT, Fd: c.at.place, Pad: c.at.turn}
	if !c.busy {
		event.Events |= unix.EPOLLIN | unix.EPOLLRDHUP
	}
	if c.out.blocked {
		event.Events |= unix.EPOLLOUT
	}
	if err := unix.EpollCtl(e.fd, op, int(c.socket.fd), &event); err != nil {
		return fmt.Errorf("watch a connection: %w", err)
	}
	return nil
}

func (e *epoll) close() { _ = e.file.Close() } // ends wait

// rawOf returns how to reach the descriptor of a connection.
func rawOf(conn syscall.Conn) (raw syscall.RawConn, fd int32) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, 0
	}
	if err := raw.Control(func(number uintptr) { fd = int32(number) }); err != nil {
		return nil, 0
	}
	return raw, fd
}

// readNow reads from a descriptor that never blocks.
func readNow(fd int, p []byte) (int, error) {
	for {
		n, err := unix.Read(fd, p)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return 0, errNothing
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

// writeNow writes to a descriptor that never blocks.
func writeNow(fd int, p []byte) (int, error) {
	for {
		n, err := unix.Write(fd, p)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return 0, errNothing
		case err != nil:
			return 0, err
		}
		return n, nil
	}
}
