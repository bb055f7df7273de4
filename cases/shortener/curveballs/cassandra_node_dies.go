package curveballs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"designkits/cases/shortener/client"
	"designkits/shared/curveball"
	"designkits/shared/fault"
	"designkits/shared/kitenv"
	"designkits/shared/rig"
)

// CassandraNodeDies is a cluster of three that loses one node and then two.
var CassandraNodeDies = curveball.Experiment{
	Name:       "cassandra-node-dies",
	Question:   "One of three Cassandra nodes has missed changes and is back when another dies; then a second one dies. Who gets which target?",
	Hypothesis: "At QUORUM nobody gets an old target with one node dead, and with two dead nobody gets any; ONE answers always, and lies.",
	Answer: `With three copies, two of which must take each write and two of which must agree on each read, every read
meets the last write: that holds with one node dead. With two dead it refuses, and what people get then
comes from our own caches. ONE goes on with a single node and answers with whatever that node has: here a node
that had missed the changes sends people to the old targets. For a redirect that might do; for
"is this alias taken" it never does, which is why those ask by Paxos at any level. (Caches are off
here, and so are hints, the writes that a node keeps for one that is away, as after an outage of more
than three hours.)`,
	Needs: []string{"cassandra3"},
	Expect: curveball.Bands{
		curveball.AtMost("old targets with one node dead", "%", 0),
		curveball.AtMost("failed redirects with one node dead", "%", 10),
		curveball.AtLeast("failed redirects with two nodes dead", "%", 95),
		curveball.AtMost("old targets with two nodes dead", "%", 0),
	},
	Control: curveball.With("consistency ONE", "CONSISTENCY", "ONE"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		kit, err := fault.Open()
		if err != nil {
			return err
		}
		var addrs []string
		for _, port := range []string{"cql", "cql2", "cql3"} {
			addr, err := kitenv.Addr("cassandra3." + port)
			if err != nil {
				return err
			}
			addrs = append(addrs, addr)
		}
		s, err := startAPI(ctx, t, rig.Options{
			Via: map[string]string{"cassandra": strings.Join(addrs, ",")},
			Env: map[string]string{"REPLICATION": "3", "CACHE": "off", "REDIRECT_RATE": "0"},
		})
		if err != nil {
			return err
		}
		links, err := s.links(ctx, 40)
		if err != nil {
			return err
		}
		kill := func(node string) error {
			return t.Break(ctx, node+" is killed", with(kit.Kill, node), with(kit.Restart, node))
		}
		if err := kill("cassandra3/node-3"); err != nil {
			return err
		}
		const fresh = "https://example.com/changed"
		for _, link := range links {
			if err := change(ctx, s.Client, link, map[string]any{"target": fresh}); err != nil {
				return err
			}
		}
		t.Phase("the targets are changed while node 3 is away; it comes back")
		if err := t.Mend(ctx); err != nil {
			return err
		}
		if err := kill("cassandra3/node-1"); err != nil {
			return err
		}
		if err := s.answers(ctx, links[0]); err != nil { // the others have found out
			return err
		}
		one, err := s.follow(ctx, "one node dead", links, fresh)
		if err != nil {
			return err
		}
		if err := kill("cassandra3/node-2"); err != nil {
			return err
		}
		two, err := s.follow(ctx, "two nodes dead", links, fresh)
		t.Figure("old targets with one node dead", one.old)
		t.Figure("failed redirects with one node dead", one.failed)
		t.Figure("failed redirects with two nodes dead", two.failed)
		t.Figure("old targets with two nodes dead", two.old)
		return err
	},
}

// answers waits until the link is answered three times in a row.
func (s *site) answers(ctx context.Context, link client.Link) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for inRow := 0; inRow < 3; {
		status, _, err := s.Follow(ctx, "/"+link.Code, http.Header{})
		if ctx.Err() != nil {
			return fmt.Errorf("wait for Cassandra with one node dead: status %d, %w", status, errors.Join(ctx.Err(), err))
		}
		if inRow++; status != http.StatusFound {
			inRow = 0
		}
	}
	return nil
}

// followed is what became of redirects, in per cent.
type followed struct{ old, failed float64 }

// follow follows each link five times and compares where that leads.
func (s *site) follow(ctx context.Context, name string, links []client.Link, fresh string) (f followed, err error) {
	const times = 5
	share := 100 / float64(times*len(links))
	for range times {
		for _, link := range links {
			status, location, err := s.Follow(ctx, "/"+link.Code, http.Header{})
			switch {
			case err != nil:
				return f, err
			case status != http.StatusFound:
				f.failed += share
			case location != fresh:
				f.old += share
			}
		}
	}
	s.trial.Note("%s: %.1f%% failed, %.1f%% to the old target", name, f.failed, f.old)
	return f, nil
}
