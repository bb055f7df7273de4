package curveballs

import (
	"context"
	"fmt"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/adapters/cassandra"
	"designkits/cases/shortener/client"
	"designkits/shared/curveball"
	"designkits/shared/kitenv"
	"designkits/shared/rig"
)

// SecondRegion is the service in two regions that both make links.
var SecondRegion = curveball.Experiment{
	Name:       "second-region",
	Question:   "A second region opens, and both make links while the line between them is down. Do their codes collide?",
	Hypothesis: "No: each counts for itself in a part of the numbers that is its own, so nothing has to be agreed on.",
	Answer: `Redirects need only a replica of the links nearby, which Cassandra keeps by itself (one keyspace, two
data centres, LOCAL_QUORUM). Making links needs unique codes: a lease across the ocean would do, once
per 10,000 links, but not while the line is down. So the numbers are divided once
([Region](codes/region.go)), and each region leases from its own counter; the permutation is over all of them, and
nobody sees which region made a link. Aliases can't be divided: a claim that must hold everywhere is
SERIAL and waits for the other region, or is refused without it. Counters that start alike make the
same codes, and when the regions are joined the later write takes over the other's link.`,
	Expect: curveball.Bands{
		curveball.AtMost("codes that both regions made, of 500", "", 0),
		curveball.AtMost("links taken over when the regions are joined, of 500", "", 0),
	},
	Control: curveball.With("one counter in each region for all numbers", "REGIONS", "1"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		var made [2][]client.Link
		var keyspaces [2]string
		for i := range made {
			number := fmt.Sprint(i)
			if t.Option("REGIONS", "2") == "1" {
				number = "0"
			}
			s, err := startAPI(ctx, t, rig.Options{Env: map[string]string{
				"REGION": number, "REGIONS": "2", "CODE_KEY": "the same secret in all regions, of course",
			}})
			if err != nil {
				return err
			}
			keyspaces[i] = s.Namespace
			for _, replica := range []string{"api-1", "api-2"} { // each has a range of its own
				by, err := s.at(replica)
				if err != nil {
					return err
				}
				targets := make([]string, 250)
				for n := range targets {
					targets[n] = fmt.Sprintf("https://example.com/region-%d/%s/%d", i, replica, n)
				}
				links, err := by.Bulk(ctx, targets)
				if err != nil {
					return err
				}
				made[i] = append(made[i], links...)
			}
		}
		first := map[string]bool{}
		for _, l := range made[0] {
			first[l.Code] = true
		}
		both := 0
		for _, l := range made[1] {
			if first[l.Code] {
				both++
			}
		}
		t.Phase("the line is back: the second region's links are written into the first")
		taken, err := join(ctx, keyspaces[0], made)
		t.Figure("codes that both regions made, of 500", float64(both))
		t.Figure("links taken over when the regions are joined, of 500", float64(taken))
		return err
	},
}

// join writes the second region's links into the first, with the timestamps that
// they were made with, as Cassandra's replication does, and returns how many of
// the first's lead elsewhere then.
func join(ctx context.Context, keyspace string, made [2][]client.Link) (taken int, err error) {
	addr, err := kitenv.Addr("cassandra")
	if err != nil {
		return 0, err
	}
	db, err := cassandra.Open(ctx, cassandra.Config{Hosts: []string{addr}, Keyspace: keyspace})
	if err != nil {
		return 0, err
	}
	defer db.Close()
	links := db.Links()
	for _, l := range made[1] {
		err := links.Put(ctx, shortener.Link{
			Code: shortener.Code(l.Code), Target: l.Target, Owner: "region 1", Created: time.Now().UTC().Truncate(time.Millisecond), Version: 1,
		})
		if err != nil {
			return 0, err
		}
	}
	for _, l := range made[0] {
		now, err := links.Get(ctx, shortener.Code(l.Code))
		if err != nil {
			return 0, err
		}
		if now.Target != l.Target {
			taken++
		}
	}
	return taken, nil
}
