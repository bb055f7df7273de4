//go:build !linux

package websocket

import (
	"errors"
	"syscall"
)

// An epoll is what only Linux has. Elsewhere each connection has a goroutine that
// waits in its read; see Conn.serveAlone.
type epoll struct{}

func newEpoll() (*epoll, error) { return &epoll{}, nil }

func (*epoll) wait(func(at ticket, read, write bool)) {}
func (*epoll) add(*Conn) error                        { return errors.ErrUnsupported }
func (*epoll) arm(*Conn)                              {}
func (*epoll) close()                                 {}

func rawOf(syscall.Conn) (syscall.RawConn, int32) { return nil, 0 }

func readNow(int, []byte) (int, error)  { return 0, errors.ErrUnsupported }
func writeNow(int, []byte) (int, error) { return 0, errors.ErrUnsupported }
