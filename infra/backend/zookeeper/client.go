package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/go-zookeeper/zk"

	"designkits/infra/backend"
)

// sessionTimeout is what is left of a session of ours whose end isn't heard.
const sessionTimeout = 4 * time.Second

// open makes a session. The client's calls take no context and its
// reconnecting has no end; so its connections end with ctx, and a call that
// waits for an answer ends with its connection. end returns when the client's
// goroutines have.
func open(ctx context.Context, site backend.Site) (conn *zk.Conn, end func(), err error) {
	dial := func(network, address string, within time.Duration) (net.Conn, error) {
		raw, err := (&net.Dialer{Timeout: within}).DialContext(ctx, network, address)
		if err == nil {
			context.AfterFunc(ctx, func() { raw.Close() })
		}
		return raw, err
	}
	conn, events, err := zk.Connect([]string{site.Addr(port)}, sessionTimeout, zk.WithDialer(dial), zk.WithLogger(silent{}))
	if err != nil {
		return nil, nil, err
	}
	end = func() {
		conn.Close()
		for range events { // closed when the last goroutine ends
		}
	}
	for {
		select {
		case e := <-events:
			if e.State == zk.StateHasSession {
				return conn, end, nil
			}
		case <-ctx.Done():
			end()
			return nil, nil, fmt.Errorf("no session at %s: %w", site.Addr(port), ctx.Err())
		}
	}
}

// silent is the client's log: what matters comes back as an error.
type silent struct{}

func (silent) Printf(string, ...any) {}

// ready makes an ephemeral znode, reads it, and removes it. Its name is the
// server's choice, so that two may ask at once.
func ready(ctx context.Context, site backend.Site) error {
	if err := site.Reach(ctx, port); err != nil {
		return fmt.Errorf("zookeeper: %w", err)
	}
	conn, end, err := open(ctx, site)
	if err != nil {
		return fmt.Errorf("zookeeper: %w", err)
	}
	defer end()
	path, err := conn.Create("/kit-ready-", nil, zk.FlagEphemeral|zk.FlagSequence, zk.WorldACL(zk.PermAll))
	if err != nil {
		return fmt.Errorf("zookeeper: create an ephemeral znode: %w", err)
	}
	_, stat, err := conn.Get(path)
	if err != nil {
		return fmt.Errorf("zookeeper: get %s: %w", path, err)
	}
	if err := conn.Delete(path, stat.Version); err != nil {
		return fmt.Errorf("zookeeper: delete %s: %w", path, err)
	}
	return nil
}

// batch is how many znodes are removed by one transaction: a transaction is one
// write to the disk, and must stay below the server's limit of 1 MB.
const batch = 500

// drop removes the chroots within the namespace with all below them. Who still
// writes there holds it up until ctx ends.
func drop(ctx context.Context, site backend.Site, namespace string) error {
	conn, end, err := open(ctx, site)
	if err != nil {
		return fmt.Errorf("zookeeper: drop %s: %w", namespace, err)
	}
	defer end()
	tops, _, err := conn.Children("/")
	if err != nil {
		return fmt.Errorf("zookeeper: drop %s: list /: %w", namespace, err)
	}
	for _, top := range tops {
		if !backend.Within(top, namespace) {
			continue
		}
		if err := remove(ctx, conn, "/"+top); err != nil {
			return fmt.Errorf("zookeeper: drop %s: %w", namespace, err)
		}
	}
	return nil
}

// remove deletes a znode and all below it, children before their parents.
// Between the listing and the deletion a session's end may have removed some,
// or somebody may have made more: then it lists again.
func remove(ctx context.Context, conn *zk.Conn, top string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		tree, err := list(conn, top)
		if err != nil {
			return fmt.Errorf("list %s: %w", top, err)
		}
		if len(tree) == 0 {
			return nil
		}
		for len(tree) > 0 && err == nil {
			var deletions []any
			for ; len(tree) > 0 && len(deletions) < batch; tree = tree[:len(tree)-1] {
				deletions = append(deletions, &zk.DeleteRequest{Path: tree[len(tree)-1], Version: -1})
			}
			err = multi(conn, deletions)
		}
		if err != nil && !errors.Is(err, zk.ErrNoNode) && !errors.Is(err, zk.ErrNotEmpty) {
			return fmt.Errorf("delete %s: %w", top, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("delete %s, which somebody still writes to: %w", top, ctx.Err())
		case <-tick.C:
		}
	}
}

// multi is one transaction. A refused one says why in the answer to one of its
// operations.
func multi(conn *zk.Conn, operations []any) error {
	answers, err := conn.Multi(operations...)
	for _, answer := range answers {
		if err == nil {
			err = answer.Error
		}
	}
	return err
}

// list returns the paths of a znode and of all below it, parents before their
// children; none if it isn't there.
func list(conn *zk.Conn, top string) (tree []string, err error) {
	tree = []string{top}
	for i := 0; i < len(tree); i++ {
		children, _, err := conn.Children(tree[i])
		if errors.Is(err, zk.ErrNoNode) {
			if i == 0 {
				return nil, nil
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, child := range children {
			tree = append(tree, tree[i]+"/"+child)
		}
	}
	return tree, nil
}
