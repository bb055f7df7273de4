package cassandra

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/shortener"
	"designkits/cases/shortener/clicks"
)

// Stats sums up the minutes of a range, a day's partition at a time. From and
// To are taken down to the minute.
func (s *Stats) Stats(ctx context.Context, q clicks.StatsQuery) (clicks.Stats, error) {
	width, err := widthOf(q.Granularity)
	if err != nil {
		return clicks.Stats{}, err
	}
	from, to := q.From.UTC().Truncate(time.Minute), q.To.UTC().Truncate(time.Minute)
	sum := summary{
		width:  width,
		points: map[time.Time]*clicks.Counts{},
		by:     map[clicks.Dimension]map[string]clicks.Counts{},
	}
	err = s.db.run(ctx, "read stats", string(q.Code), 5*s.db.config.Timeout, func(ctx context.Context) error {
		days, err := s.daysOf(ctx, q.Code, from, to)
		if err != nil {
			return err
		}
		work, ctx := errgroup.WithContext(ctx)
		work.SetLimit(partitionsAtOnce)
		for day := range days {
			work.Go(func() error {
				rows := s.db.session.Query(`SELECT minute, dimension, value, clicks, bots, visitors, late FROM clicks WHERE code = ? AND day = ? AND minute >= ? AND minute < ?`,
					string(q.Code), day, from, to).Idempotent(true).WithContext(ctx).Iter()
				var b bucket
				var counts clicks.Counts
				for rows.Scan(&b.minute, (*string)(&b.dimension), &b.value, &counts.Clicks, &counts.Bots, &counts.Visitors, &counts.Late) {
					sum.add(b, counts)
				}
				return rows.Close()
			})
		}
		return work.Wait()
	})
	if err != nil {
		return clicks.Stats{}, err
	}
	return clicks.Stats{
		Code: q.Code, From: from, To: to, Granularity: q.Granularity,
		Total: sum.total, Series: sum.series(), By: sum.by,
	}, nil
}

func widthOf(g clicks.Granularity) (time.Duration, error) {
	switch g {
	case clicks.Minute:
		return time.Minute, nil
	case clicks.Hour:
		return time.Hour, nil
	case clicks.Day:
		return 24 * time.Hour, nil
	}
	return 0, &shortener.Invalid{Field: "granularity", Rule: "unknown", Reason: fmt.Sprintf("%q is no granularity: use minute, hour or day", string(g))}
}

// A summary adds up rows of many partitions that are read at the same time.
type summary struct {
	mu     sync.Mutex
	width  time.Duration
	total  clicks.Counts
	points map[time.Time]*clicks.Counts
	by     map[clicks.Dimension]map[string]clicks.Counts
}

func (s *summary) add(b bucket, counts clicks.Counts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.dimension != clicks.Total {
		values := s.by[b.dimension]
		if values == nil {
			values = map[string]clicks.Counts{}
			s.by[b.dimension] = values
		}
		sum := values[b.value]
		sum.Add(counts)
		values[b.value] = sum
		return
	}
	s.total.Add(counts)
	start := b.minute.UTC().Truncate(s.width)
	if s.points[start] == nil {
		s.points[start] = &clicks.Counts{}
	}
	s.points[start].Add(counts)
}

func (s *summary) series() []clicks.Point {
	series := make([]clicks.Point, 0, len(s.points))
	for start, counts := range s.points {
		series = append(series, clicks.Point{Start: start, Counts: *counts})
	}
	slices.SortFunc(series, func(a, b clicks.Point) int { return a.Start.Compare(b.Start) })
	return series
}
