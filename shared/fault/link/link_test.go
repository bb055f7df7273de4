package link_test

import (
	"bufio"
	"fmt"
	"net"
	"testing"
	"time"

	"designkits/shared/fault/link"
	"designkits/shared/testenv"
)

// echo answers every line with itself.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					fmt.Fprintln(conn, lines.Text())
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// roundTrip says how long one line takes there and back.
func roundTrip(addr string) (time.Duration, error) {
	began := time.Now()
	conn, err := net.DialTimeout("tcp", addr, 20*time.Second)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return 0, err
	}
	fmt.Fprintln(conn, "hello")
	_, err = bufio.NewReader(conn).ReadString('\n')
	return time.Since(began), err
}

func TestFaultsHoldUntilTheyAreMended(t *testing.T) {
	l, err := link.Open(echo(t))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	addr := l.Addr()
	const delay = 200 * time.Millisecond
	whole := func(when string) {
		t.Helper()
		// A delayed link never lets a line through faster, a busy machine does by and by.
		testenv.Eventually(t, 20*time.Second, when+" a line isn't delayed", func() bool {
			took, err := roundTrip(addr)
			if err != nil {
				t.Fatalf("%s: %v", when, err)
			}
			return took < delay
		})
	}
	whole("at first")
	if err := l.Delay(delay); err != nil {
		t.Fatal(err)
	}
	if took, err := roundTrip(addr); err != nil || took < delay {
		t.Fatalf("delayed: %s, %v", took, err)
	}
	if err := l.Mend(); err != nil {
		t.Fatal(err)
	}
	whole("after the delay")

	open, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	fmt.Fprintln(open, "hello")
	if _, err := bufio.NewReader(open).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	l.Cut()
	if err := open.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, err := open.Read(make([]byte, 1)); err == nil || n > 0 {
		t.Fatal("a connection outlived the cut")
	}
	if _, err := roundTrip(addr); err == nil {
		t.Fatal("a cut link lets new connections in")
	}
	if err := l.Mend(); err != nil {
		t.Fatal(err)
	}
	whole("after the cut")
}
