package curveballs

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/gocql/gocql"
	"golang.org/x/sync/errgroup"

	"designkits/cases/shortener"
	"designkits/cases/shortener/adapters/cassandra"
	"designkits/cases/shortener/codes"
	"designkits/shared/curveball"
	"designkits/shared/kitenv"
)

// ExpireMany is a mass of links that come to their end together.
var ExpireMany = curveball.Experiment{
	Name:       "expire-many",
	Question:   "A billion links expire. Who removes them, and what does that cost?",
	Hypothesis: "Nobody: their rows carry a TTL, are hidden by it to the second, and leave the disk when Cassandra compacts.",
	Answer: `A sweeper would read a billion rows to find those that are over, and write a tombstone for each: twice
the work of making them. A TTL is written with the row, costs eight bytes, and needs no second write:
an expired cell is its own tombstone. The disk is free after gc_grace_seconds, ten days, and a
compaction that meets the file; that compaction only drops, so it reads what it drops and writes
little. What has to be watched is the owner's index, whose entries carry no TTL, so that a listing
meets entries whose links are gone: it clears them away as it goes ([ByOwner](adapters/cassandra/owner.go)). (Here ten days are none, and
1,500 links of 8 kB stand for the billion.)`,
	Expect: curveball.Bands{
		curveball.AtMost("left on disk", "MiB", 4),
		curveball.AtLeast("on disk before", "MiB", 10),
		curveball.AtMost("expired links still found, of 1,500", "", 0),
	},
	Control: curveball.With("links that only say that they are over", "TTL", "off"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		addr, err := kitenv.Addr("cassandra")
		if err != nil {
			return err
		}
		namespace, err := kitenv.Namespace()
		if err != nil {
			return err
		}
		const life = 30 * time.Second
		// A grace of minus two days takes back what the row is kept for after its
		// end, in answer to "expired" and in memory of its version.
		config := cassandra.Config{Hosts: []string{addr}, Keyspace: namespace, Grace: -48*time.Hour + time.Millisecond}
		if t.Option("TTL", "on") == "off" {
			config.Grace = 20 * 365 * 24 * time.Hour // past the last TTL that there is
		}
		db, err := cassandra.Open(ctx, config)
		if err != nil {
			return err
		}
		defer db.Close()
		numbers, err := codes.NewPermutation([]byte("of codes that are made here alone"))
		if err != nil {
			return err
		}
		store := db.Links(numbers)
		disk, err := openDisk(addr, namespace)
		if err != nil {
			return err
		}
		defer disk.Close()
		expires := time.Now().Add(life)
		links, err := putLarge(ctx, store, 1500, expires)
		if err != nil {
			return err
		}
		full, err := disk.await(ctx, store, 20*time.Second, func(mebibytes int64) bool { return mebibytes >= 10 })
		if err != nil {
			return err
		}
		t.Note("%d MiB on disk", full)
		if err := t.Wait(ctx, time.Until(expires.Add(time.Second))); err != nil {
			return err
		}
		t.Phase("all links have expired")
		began := time.Now()
		left, err := disk.await(ctx, store, 30*time.Second, func(mebibytes int64) bool { return mebibytes <= 4 })
		if err != nil {
			return err
		}
		t.Note("%d MiB are left after %.0f s", left, time.Since(began).Seconds())
		found := 0
		for _, code := range links {
			if _, err := store.Get(ctx, code); err == nil {
				found++
			} else if !errors.Is(err, shortener.ErrNotFound) {
				return err
			}
		}
		t.Figure("left on disk", float64(left))
		t.Figure("on disk before", float64(full))
		t.Figure("expired links still found, of 1,500", float64(found))
		return nil
	},
}

// putLarge makes links whose targets are as long as targets may be.
func putLarge(ctx context.Context, store shortener.LinkStore, n int, expires time.Time) (made []shortener.Code, err error) {
	names, err := codes.Near("Expires", n)
	if err != nil {
		return nil, err
	}
	puts, ctx := errgroup.WithContext(ctx)
	puts.SetLimit(16)
	for _, name := range names {
		made = append(made, shortener.Code(name))
		puts.Go(func() error { return store.Put(ctx, largeLink(shortener.Code(name), expires)) })
	}
	return made, puts.Wait()
}

func largeLink(code shortener.Code, expires time.Time) shortener.Link {
	noise := make([]byte, 6000) // 8,000 letters that nothing compresses
	_, _ = rand.Read(noise)     // never fails, see crypto/rand
	return shortener.Link{
		Code: code, Target: "https://example.com/" + base64.RawURLEncoding.EncodeToString(noise), Owner: "somebody",
		Created: time.Now().UTC().Truncate(time.Millisecond), Expires: expires.UTC().Truncate(time.Millisecond), Version: 1,
	}
}

// A disk is what the table of links takes on Cassandra's.
type disk struct {
	*gocql.Session
	keyspace string
}

// openDisk has the table forget at once and look for what is expired at each
// flush, as it would after ten days.
func openDisk(addr, keyspace string) (*disk, error) {
	cluster := gocql.NewCluster(addr)
	cluster.DisableInitialHostLookup, cluster.Timeout = true, 30*time.Second
	cluster.Logger = log.New(io.Discard, "", 0)
	session, err := cluster.CreateSession()
	if err != nil {
		return nil, fmt.Errorf("look at Cassandra's disk: %w", err)
	}
	err = session.Query(`ALTER TABLE ` + keyspace + `.links WITH gc_grace_seconds = 0 AND memtable_flush_period_in_ms = 1000
		AND compaction = {'class': 'SizeTieredCompactionStrategy', 'tombstone_compaction_interval': '1', 'tombstone_threshold': '0.05', 'unchecked_tombstone_compaction': 'true'}`).Exec()
	if err != nil {
		session.Close()
		return nil, fmt.Errorf("set the table's compaction: %w", err)
	}
	return &disk{session, keyspace}, nil
}

// await makes a link now and then, as there always is somebody who makes one,
// until the table takes as much as is wanted or the patience ends, and returns
// what it takes then, in MiB.
func (d *disk) await(ctx context.Context, store shortener.LinkStore, patience time.Duration, wanted func(mebibytes int64) bool) (mebibytes int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience+10*time.Second)
	defer cancel()
	every := time.NewTicker(500 * time.Millisecond)
	defer every.Stop()
	for began := time.Now(); ; {
		err := d.Query(`SELECT mebibytes FROM system_views.disk_usage WHERE keyspace_name = ? AND table_name = 'links'`, d.keyspace).
			WithContext(ctx).Scan(&mebibytes)
		if err != nil && !errors.Is(err, gocql.ErrNotFound) {
			return 0, fmt.Errorf("look at Cassandra's disk: %w", err)
		}
		if wanted(mebibytes) || time.Since(began) > patience {
			return mebibytes, nil
		}
		if err := store.Put(ctx, shortener.Link{Code: "another", Target: "https://example.com/", Owner: "somebody", Created: began.UTC(), Version: 1}); err != nil {
			return 0, err
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-every.C:
		}
	}
}
