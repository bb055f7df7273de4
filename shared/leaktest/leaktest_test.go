package leaktest_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"designkits/shared/fault/link"
	"designkits/shared/leaktest"
	"designkits/shared/testenv"
)

func TestAnOpenLinkIsFoundAndWhatToxiproxyLeavesIsNot(t *testing.T) {
	before := goleak.IgnoreCurrent()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.Open(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client, err := net.Dial("tcp", l.Addr()) // which reads nothing
	if err != nil {
		t.Fatal(err)
	}
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	for err = nil; err == nil; _, err = server.Write(make([]byte, 1<<20)) { // until the way is full
		if err := server.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	if err := leaktest.Find(before); err == nil || !strings.Contains(err.Error(), "toxiproxy") {
		t.Errorf("a link is open, and this is found: %v", err)
	}
	l.Close()
	for _, c := range []io.Closer{client, server, listener} {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	testenv.Eventually(t, 20*time.Second, "what the link had is gone", func() bool { return leaktest.Find(before) == nil })
	if err := goleak.Find(before); err == nil {
		t.Error("toxiproxy leaves nothing behind any more: the exceptions can go")
	}
}
