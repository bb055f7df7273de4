package cassandra

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gocql/gocql"
	"golang.org/x/sync/errgroup"

	"designkits/cases/shortener"
	"designkits/cases/shortener/clicks"
)

// Stats is the clicks.StatsStore.
//
// How a count is added exactly once, without a transaction. A row of clicks
// belongs to one bucket and one source, and holds the sums of all increments of
// that bucket in the source's log up to some offset; it is written with that
// offset plus one as its timestamp. So a row's content is a function of its
// timestamp: whoever counts the same log writes the same sums with the same
// timestamp, and of two rows the one that has counted further wins, whatever
// the order in which they arrive. A writer that died, one that doesn't know that
// it was replaced, and a batch that is applied again can do no harm.
//
// Apply reads the rows that a batch touches. Their write timestamp tells up to
// which offset they count already, so it adds only what follows. It relies on
// what it is handed: the batches of a source leave no gap above what was applied
// before, which a consumer has for free when it commits its offset only after
// Apply has returned. Nothing is remembered from one Apply to the next, so
// there is nothing that a source handed back and forth between two processes
// could make stale; and since a stream job sends few increments for a bucket,
// there would be little to gain.
//
// Quorums: a write that reached one replica only, and failed, may be what a later
// read sees. It is a true sum all the same; and before that read returns,
// Cassandra's read repair has put it on a quorum, so that nobody sees less
// afterwards.
type Stats struct {
	db   *DB
	days daySet
}

// Stats returns the store of sums.
func (db *DB) Stats() *Stats { return &Stats{db: db} }

var _ clicks.StatsStore = (*Stats)(nil)

// partition is a partition of clicks.
type partition struct {
	code shortener.Code
	day  time.Time
}

// bucket is a row of a partition.
type bucket struct {
	minute    time.Time
	dimension clicks.Dimension
	value     string
	source    string
}

// sums are what a row holds: all increments below the offset next.
type sums struct {
	clicks.Counts
	next  int64
	dirty bool
}

const (
	// partitionsAtOnce bounds how many partitions are worked on at a time.
	partitionsAtOnce = 16
	// rowsPerWrite bounds one batch of rows, which all go to one partition.
	rowsPerWrite = 100
	// minutesPerRead bounds one IN list.
	minutesPerRead = 100
)

// Apply adds the increments. It holds the batch and the rows that it touches in
// memory, so its size is the caller's to bound. After an error part of it may be
// applied; applying it again is right.
func (s *Stats) Apply(ctx context.Context, batch []clicks.Positioned) error {
	parts := map[partition][]clicks.Positioned{}
	last := map[string]int64{}
	for _, inc := range batch {
		if offset, ok := last[inc.Source]; ok && inc.Offset < offset {
			return fmt.Errorf("cassandra: apply increments of %s: offset %d comes after %d, the order of the log is needed", inc.Source, inc.Offset, offset)
		}
		last[inc.Source] = inc.Offset
		p := partition{inc.Code, dayOf(inc.Minute)}
		parts[p] = append(parts[p], inc)
	}
	return s.db.run(ctx, "apply increments", "", 5*s.db.config.Timeout, func(ctx context.Context) error {
		work, ctx := errgroup.WithContext(ctx)
		work.SetLimit(partitionsAtOnce)
		for p, incs := range parts {
			work.Go(func() error { return s.applyTo(ctx, p, incs) })
		}
		return work.Wait()
	})
}

func (s *Stats) applyTo(ctx context.Context, p partition, incs []clicks.Positioned) error {
	if err := s.noteDay(ctx, p); err != nil {
		return err
	}
	rows, err := s.touched(ctx, p, incs)
	if err != nil {
		return err
	}
	for _, inc := range incs {
		b := bucket{inc.Minute.UTC().Truncate(time.Minute), inc.Dimension, inc.Value, inc.Source}
		row := rows[b]
		if row == nil {
			row = &sums{}
			rows[b] = row
		}
		if inc.Offset < row.next {
			continue // counted already
		}
		row.Add(inc.Counts)
		row.next = inc.Offset + 1
		row.dirty = true
	}
	return s.write(ctx, p, rows)
}

// touched reads the rows of all minutes that the increments fall into.
func (s *Stats) touched(ctx context.Context, p partition, incs []clicks.Positioned) (map[bucket]*sums, error) {
	rows := map[bucket]*sums{}
	seen := map[time.Time]bool{}
	var minutes []time.Time
	read := func() error {
		if len(minutes) == 0 {
			return nil
		}
		found := s.db.session.Query(`SELECT minute, dimension, value, source, clicks, bots, visitors, late, WRITETIME(clicks) FROM clicks WHERE code = ? AND day = ? AND minute IN ?`,
			string(p.code), p.day, minutes).Idempotent(true).WithContext(ctx).Iter()
		var b bucket
		var row sums
		for found.Scan(&b.minute, (*string)(&b.dimension), &b.value, &b.source, &row.Clicks, &row.Bots, &row.Visitors, &row.Late, &row.next) {
			known := row
			rows[b] = &known
		}
		minutes = minutes[:0]
		return found.Close()
	}
	for _, inc := range incs {
		minute := inc.Minute.UTC().Truncate(time.Minute)
		if seen[minute] {
			continue
		}
		seen[minute] = true
		if minutes = append(minutes, minute); len(minutes) == minutesPerRead {
			if err := read(); err != nil {
				return nil, err
			}
		}
	}
	return rows, read()
}

// write stores the rows that have changed. Rows of one partition go in one
// unlogged batch, which Cassandra takes as a single write.
func (s *Stats) write(ctx context.Context, p partition, rows map[bucket]*sums) error {
	batch := s.db.session.NewBatch(gocql.UnloggedBatch)
	flush := func() error {
		if batch.Size() == 0 {
			return nil
		}
		err := s.db.session.ExecuteBatch(batch.WithContext(ctx))
		batch = s.db.session.NewBatch(gocql.UnloggedBatch)
		return err
	}
	for b, row := range rows {
		if !row.dirty {
			continue
		}
		batch.Entries = append(batch.Entries, gocql.BatchEntry{
			Stmt: `INSERT INTO clicks (code, day, minute, dimension, value, source, clicks, bots, visitors, late) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?`,
			Args: []any{string(p.code), p.day, b.minute, string(b.dimension), b.value, b.source,
				row.Clicks, row.Bots, row.Visitors, row.Late, row.next},
			Idempotent: true,
		})
		if batch.Size() == rowsPerWrite {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// Forget deletes every count of the code up to now, and so that it stays
// deleted: the deletion's timestamp is the time of day in microseconds, far
// above any offset, so that what is still on its way for those minutes comes to
// nothing. It spares the minutes to come, for whoever claims the alias next.
// The cover lasts for gc_grace_seconds, ten days, longer than any log is late.
func (s *Stats) Forget(ctx context.Context, code shortener.Code) error {
	return s.db.run(ctx, "forget clicks", string(code), 5*s.db.config.Timeout, func(ctx context.Context) error {
		now := s.db.config.Now().UTC()
		today := dayOf(now)
		days, err := s.daysOf(ctx, code, time.Unix(0, 0), today)
		if err != nil {
			return err
		}
		// Days that nothing is known of yet, but may be of tomorrow: clicks that
		// are on their way.
		days[today], days[today.AddDate(0, 0, -1)] = true, true
		work, ctx := errgroup.WithContext(ctx)
		work.SetLimit(partitionsAtOnce)
		for day := range days {
			work.Go(func() error {
				return s.db.session.Query(`DELETE FROM clicks WHERE code = ? AND day = ? AND minute <= ?`,
					string(code), day, now.Truncate(time.Minute)).WithContext(ctx).Exec()
			})
		}
		return work.Wait()
	})
}

func dayOf(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// noteDay writes that the code was clicked on that day, unless this process
// has done so before. The note stays when the counts are forgotten.
func (s *Stats) noteDay(ctx context.Context, p partition) error {
	if s.days.has(p) {
		return nil
	}
	err := s.db.session.Query(`INSERT INTO click_days (code, day) VALUES (?, ?)`, string(p.code), p.day).
		Idempotent(true).WithContext(ctx).Exec()
	if err == nil {
		s.days.add(p)
	}
	return err
}

// daysOf returns the days from first to last on which the code was clicked.
func (s *Stats) daysOf(ctx context.Context, code shortener.Code, first, last time.Time) (map[time.Time]bool, error) {
	days := map[time.Time]bool{}
	rows := s.db.session.Query(`SELECT day FROM click_days WHERE code = ? AND day >= ? AND day <= ?`, string(code), first, last).
		Idempotent(true).WithContext(ctx).Iter()
	for day := (time.Time{}); rows.Scan(&day); {
		days[day.UTC()] = true
	}
	return days, rows.Close()
}

// daySet remembers which days are noted. It may forget.
type daySet struct {
	mu   sync.Mutex
	seen map[partition]bool
}

// maxDays bounds the set: about 10 MB.
const maxDays = 100_000

func (d *daySet) has(p partition) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seen[p]
}

func (d *daySet) add(p partition) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen == nil || len(d.seen) >= maxDays {
		d.seen = make(map[partition]bool)
	}
	d.seen[p] = true
}
