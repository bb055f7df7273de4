package cql

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gocql/gocql"

	"designkits/shared/testenv"
)

func TestWhatIsNotAnsweredIsTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want int // calls, if the third is answered
	}{
		"a timeout":              {gocql.ErrTimeoutNoResponse, 3},
		"a lost connection":      {io.EOF, 3},
		"none yet":               {gocql.ErrNoConnections, 3},
		"none at the start":      {gocql.ErrNoConnectionsStarted, 3},
		"a timeout of the write": {&gocql.RequestErrWriteTimeout{}, 3},
		"a refusal":              {errors.New("unconfigured table"), 1},
		"no error":               {nil, 1},
	} {
		calls := 0
		err := untilAnswered(t.Context(), func() error {
			if calls++; calls == 3 || c.err == nil {
				return nil
			}
			return fmt.Errorf("create table: %w", c.err)
		})
		if calls != c.want || (err == nil) != (c.want == 3 || c.err == nil) {
			t.Errorf("%s: %d calls, %v; want %d", name, calls, err, c.want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := untilAnswered(ctx, func() error { return gocql.ErrNoConnections }); !errors.Is(err, gocql.ErrNoConnections) {
		t.Errorf("at the end of the context: %v, want what went wrong", err)
	}
}

// The first connection goes to somebody who never says a word, as a Cassandra that
// is held up does; the following ones pass.
func TestAConnectionThatIsNotAnsweredIsMadeAgain(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	upstream := testenv.Addr(t, "cassandra")
	var passing sync.WaitGroup
	defer passing.Wait()
	defer listener.Close()
	passing.Go(func() {
		for first := true; ; first = false {
			client, err := listener.Accept()
			if err != nil {
				return // closed
			}
			defer client.Close()
			if first {
				continue
			}
			server, err := net.Dial("tcp", upstream)
			if err != nil {
				t.Error(err)
				return
			}
			defer server.Close()
			passing.Go(func() { _, _ = io.Copy(server, client); _ = server.Close() })
			passing.Go(func() { _, _ = io.Copy(client, server); _ = client.Close() })
		}
	})
	session, err := Open(t.Context(), Config{Hosts: []string{listener.Addr().String()}, Keyspace: testenv.Namespace(t), Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	session.Close()
}
