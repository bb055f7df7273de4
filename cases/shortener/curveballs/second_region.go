package curveballs

import (
	"context"
	"fmt"

	"designkits/cases/shortener"
	"designkits/cases/shortener/adapters/cassandra"
	"designkits/cases/shortener/client"
	"designkits/cases/shortener/codes"
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
data centres, LOCAL_QUORUM: most of the copies that are near have to answer). Making links needs unique codes: a lease across the ocean would do, once
per 10,000 links, but not while the line is down. So the numbers are divided once
([Region](codes/region.go)), and each region leases from its own counter; the permutation is over all of them, and
nobody sees which region made a link. Aliases can't be divided: a claim that must hold everywhere is
SERIAL, agreed on by the nodes of both regions, and waits for the other one, or is refused without it.
Counters that start alike make the same codes, and when the regions are joined nobody is told. No write is the
later one: all new links carry the timestamp 1 ([Put](adapters/cassandra/links.go)), and of two values with one
timestamp Cassandra [keeps the greater](https://docs.datastax.com/en/datastax-drivers/developing/query-timestamps.html),
column by column. So a link gets the target of the other, or its owner, or both.`,
	Expect: curveball.Bands{
		curveball.AtMost("codes that both regions made, of 500", "", 0),
		curveball.AtMost("links changed when the regions are joined, of 500", "", 0),
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
				"REGION": number, "REGIONS": "2", "CODE_KEY": sameKey,
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
		changed, mixed, err := join(ctx, keyspaces, made)
		t.Note("%d links have got the target or the owner of the other region's, %d of them one and not the other", changed, mixed)
		t.Figure("codes that both regions made, of 500", float64(both))
		t.Figure("links changed when the regions are joined, of 500", float64(changed))
		return err
	},
}

// sameKey is the key of the codes of both regions.
const sameKey = "the same secret in all regions, of course"

// join writes the second region's links, as they are, into the first, with the
// timestamp that they were made with, as Cassandra's replication does. It returns
// how many of the first's have another target or owner then, and how many of those
// have one of the two from each region.
func join(ctx context.Context, keyspaces [2]string, made [2][]client.Link) (changed, mixed int, err error) {
	addr, err := kitenv.Addr("cassandra")
	if err != nil {
		return 0, 0, err
	}
	numbers, err := codes.NewPermutation([]byte(sameKey))
	if err != nil {
		return 0, 0, err
	}
	var regions [2]*cassandra.Links
	for i, keyspace := range keyspaces {
		db, err := cassandra.Open(ctx, cassandra.Config{Hosts: []string{addr}, Keyspace: keyspace})
		if err != nil {
			return 0, 0, err
		}
		defer db.Close()
		regions[i] = db.Links(numbers)
	}
	first, err := stored(ctx, regions[0], made[0])
	if err != nil {
		return 0, 0, err
	}
	second, err := stored(ctx, regions[1], made[1])
	if err != nil {
		return 0, 0, err
	}
	for _, l := range second {
		if err := regions[0].Put(ctx, l); err != nil {
			return 0, 0, err
		}
	}
	now, err := stored(ctx, regions[0], made[0])
	if err != nil {
		return 0, 0, err
	}
	for i, l := range now {
		target, owner := l.Target != first[i].Target, l.Owner != first[i].Owner
		if target || owner {
			changed++
		}
		if target != owner {
			mixed++
		}
	}
	return changed, mixed, nil
}

// stored are the links as a region's store has them.
func stored(ctx context.Context, links *cassandra.Links, made []client.Link) (found []shortener.Link, err error) {
	for _, l := range made {
		link, err := links.Get(ctx, shortener.Code(l.Code))
		if err != nil {
			return nil, err
		}
		found = append(found, link)
	}
	return found, nil
}
