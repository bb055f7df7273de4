package catalog_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"designkits/infra/backend"
)

func zookeeperConn(t *testing.T, site backend.Site, timeout time.Duration) (*zk.Conn, <-chan zk.Event) {
	t.Helper()
	conn, events, err := zk.Connect([]string{site.Addr("zookeeper")}, timeout, zk.WithLogger(log.New(io.Discard, "", 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn, events
}

func zookeeperCreate(t *testing.T, conn *zk.Conn, path string, flags int32) {
	t.Helper()
	if _, err := conn.Create(path, []byte("x"), flags, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatalf("create %s: %v", path, err)
	}
}

// A tree that is more than one transaction to remove, with the ephemeral znode
// of a session that goes on.
var zookeeperTrees = store{
	backend: "zookeeper",
	put: func(t *testing.T, site backend.Site, namespace string) {
		conn, _ := zookeeperConn(t, site, 10*time.Second)
		zookeeperCreate(t, conn, "/"+namespace, 0)
		zookeeperCreate(t, conn, "/"+namespace+"/leases", 0)
		zookeeperCreate(t, conn, "/"+namespace+"/leases/owner", zk.FlagEphemeral)
		for i := range 3 {
			var creations []any
			for j := range 200 {
				creations = append(creations, &zk.CreateRequest{Path: fmt.Sprintf("/%s/%d-%d", namespace, i, j), Acl: zk.WorldACL(zk.PermAll)})
			}
			if _, err := conn.Multi(creations...); err != nil {
				t.Fatal(err)
			}
		}
	},
	held: func(t *testing.T, site backend.Site, namespace string) bool {
		conn, _ := zookeeperConn(t, site, 10*time.Second)
		children, _, err := conn.Children("/" + namespace)
		if err != nil && !errors.Is(err, zk.ErrNoNode) {
			t.Fatal(err)
		}
		if n := len(children); err == nil && n != 601 {
			t.Fatalf("%d of 601 znodes are left", n)
		}
		return err == nil
	},
}

// What was acknowledged is there after a kill, and a session whose client comes
// back within its timeout is the same one: its ephemeral znode never goes.
func TestZooKeeperSessionsSurviveAKill(t *testing.T) {
	s := serve(t, "zookeeper")
	s.listensOnLoopbackOnly(t)
	conn, _ := zookeeperConn(t, s.Site, 40*time.Second)
	zookeeperCreate(t, conn, "/kept", 0)
	for i := range 200 {
		zookeeperCreate(t, conn, fmt.Sprintf("/kept/%d", i), 0)
	}
	zookeeperCreate(t, conn, "/lease", zk.FlagEphemeral)
	session := conn.SessionID()
	_, _, gone, err := conn.ExistsW("/lease")
	if err != nil {
		t.Fatal(err)
	}
	s.kill(t)
	eventually(t, "the client is back", time.Minute, func() error {
		children, _, err := conn.Children("/kept")
		if err == nil && len(children) != 200 {
			t.Fatalf("%d of 200 acknowledged znodes are there after a kill", len(children))
		}
		return err
	})
	if now := conn.SessionID(); now != session {
		t.Errorf("session %x became %x", session, now)
	}
	_, stat, err := conn.Get("/lease")
	if err != nil || stat.EphemeralOwner != session {
		t.Errorf("the ephemeral znode: %+v, %v", stat, err)
	}
	select {
	case e := <-gone:
		t.Errorf("who watches it was told %+v", e)
	default:
	}
	s.stopsInTime(t)
}

// A client that is gone without a word holds its ephemeral znode until its
// timeout, which begins with the last that was heard of it, and a tick more.
func TestZooKeeperSessionsEnd(t *testing.T) {
	s := serve(t, "zookeeper")
	var line net.Conn
	dialled := false
	const timeout = 8 * time.Second
	holder, _, err := zk.Connect([]string{s.Addr("zookeeper")}, timeout, zk.WithLogger(log.New(io.Discard, "", 0)),
		zk.WithDialer(func(network, address string, within time.Duration) (raw net.Conn, err error) {
			if dialled {
				return nil, errors.New("the line is cut")
			}
			dialled = true
			line, err = net.DialTimeout(network, address, within)
			return line, err
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(holder.Close)
	zookeeperCreate(t, holder, "/lease", zk.FlagEphemeral)
	watcher, _ := zookeeperConn(t, s.Site, 20*time.Second)
	_, _, gone, err := watcher.ExistsW("/lease")
	if err != nil {
		t.Fatal(err)
	}
	cut := time.Now()
	line.Close()
	select {
	case e := <-gone:
		if e.Type != zk.EventNodeDeleted {
			t.Errorf("the watcher was told %+v", e)
		}
		// A client is heard at least every third of its timeout.
		if held := time.Since(cut); held < time.Second {
			t.Errorf("the ephemeral znode went after %s, before its session's timeout", held)
		}
	case <-within(t, time.Minute).Done():
		t.Errorf("the ephemeral znode is there a minute after the last of its session, whose timeout is %s", timeout)
	}
}
