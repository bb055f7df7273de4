package demo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"designkits/cases/shortener/clicks"
)

// A tally is what was sent and answered, and so what must be counted.
type tally struct {
	links map[string]*expectation // by code
	// unanswered are tries to which no answer came: each may be counted or not.
	unanswered int
	// replicaDied says that a replica was started anew during the stream.
	replicaDied bool
	perSecond   int // clicks, while the stream lasted
}

// An expectation is what must be counted of one link.
type expectation struct {
	total      clicks.Counts
	byReferrer map[string]clicks.Counts
	byCountry  map[string]clicks.Counts
	visitors   map[*visitor]bool // people
}

func newTally() *tally { return &tally{links: map[string]*expectation{}} }

func (t *tally) add(c click) {
	e := t.links[c.code]
	if e == nil {
		e = &expectation{byReferrer: map[string]clicks.Counts{}, byCountry: map[string]clicks.Counts{}, visitors: map[*visitor]bool{}}
		t.links[c.code] = e
	}
	one := clicks.Counts{Clicks: 1}
	if c.visitor.bot {
		one = clicks.Counts{Bots: 1}
	} else {
		e.visitors[c.visitor] = true
	}
	country := c.visitor.country
	if country == "" {
		country = "??"
	}
	e.total.Add(one)
	plus(e.byReferrer, c.referrer, one)
	plus(e.byCountry, country, one)
}

func plus(to map[string]clicks.Counts, key string, more clicks.Counts) {
	sum := to[key]
	sum.Add(more)
	to[key] = sum
}

// sum is over all links.
func (t *tally) sum() (sum clicks.Counts) {
	for _, e := range t.links {
		sum.Add(e.total)
	}
	return sum
}

// exact says that the counts must be equal: nothing happened by which a click
// could be counted without its answer arriving, or lost with a buffer.
func (t *tally) exact() bool { return t.unanswered == 0 && !t.replicaDied }

// difference says how the stats of a link differ from what was sent, or "".
func (e *expectation) difference(code string, got clicks.Stats, sameDay bool) string {
	if g, w := got.Total, e.total; g.Clicks != w.Clicks || g.Bots != w.Bots {
		return fmt.Sprintf("/%s: counted %d by people and %d by bots, sent %d and %d", code, g.Clicks, g.Bots, w.Clicks, w.Bots)
	}
	if n := int64(len(e.visitors)); sameDay && got.Total.Visitors != n {
		return fmt.Sprintf("/%s: counted %d visitors, there were %d", code, got.Total.Visitors, n)
	}
	var series clicks.Counts
	for _, p := range got.Series {
		series.Add(p.Counts)
	}
	if series != got.Total {
		return fmt.Sprintf("/%s: the series adds up to %+v, the total is %+v", code, series, got.Total)
	}
	for dimension, want := range map[clicks.Dimension]map[string]clicks.Counts{clicks.Referrer: e.byReferrer, clicks.Country: e.byCountry} {
		for value, w := range want {
			if g := got.By[dimension][value]; g.Clicks != w.Clicks || g.Bots != w.Bots {
				return fmt.Sprintf("/%s: counted %d by people and %d by bots with %s %q, sent %d and %d", code, g.Clicks, g.Bots, dimension, value, w.Clicks, w.Bots)
			}
		}
	}
	return ""
}

// A census is what is counted of each link, as last read.
type census struct {
	counted map[string]clicks.Counts // by code
	differs map[string]string        // by code, for those that do
}

func (c census) sum() (sum clicks.Counts) {
	for _, counts := range c.counted {
		sum.Add(counts)
	}
	return sum
}

// readers is how many links' stats are asked for at once.
const readers = 8

// read brings the given links of the census up to date.
func (j *journey) read(ctx context.Context, c *census, codes []string) error {
	from := j.began.Add(-time.Minute).Truncate(time.Minute)
	to := time.Now().Add(2 * time.Minute).Truncate(time.Minute)
	sameDay := j.began.UTC().YearDay() == time.Now().UTC().YearDay()

	var mu sync.Mutex
	var failed error
	next := make(chan string)
	var wg sync.WaitGroup
	for range readers {
		wg.Go(func() {
			for code := range next {
				got, err := j.client.Stats(ctx, code, from, to)
				mu.Lock()
				if err != nil {
					failed = fmt.Errorf("stats of /%s: %w", code, err)
				} else {
					c.counted[code] = got.Total
					delete(c.differs, code)
					if d := j.tally.links[code].difference(code, got, sameDay); d != "" {
						c.differs[code] = d
					}
				}
				mu.Unlock()
			}
		})
	}
	for _, code := range codes {
		next <- code
	}
	close(next)
	wg.Wait()
	return failed
}

// settled is how long the counts must stand still, where no exact number says
// that all have come.
const settled = freshness

func (j *journey) awaitCounts(ctx context.Context) (string, error) {
	all := slices.Sorted(maps.Keys(j.tally.links))
	want := j.tally.sum()
	began := time.Now()
	c := census{counted: map[string]clicks.Counts{}, differs: map[string]string{}}
	ask := all
	var before clicks.Counts
	moved := began // when the counts last changed
	err := until(ctx, j.cfg.Patience, 500*time.Millisecond, func(ctx context.Context) error {
		if err := j.read(ctx, &c, ask); err != nil {
			return err
		}
		if sum := c.sum(); sum != before {
			before, moved = sum, time.Now()
			fmt.Fprintf(j.cfg.Progress, "counted %d of %d\n", sum.Clicks+sum.Bots, want.Clicks+want.Bots)
		}
		err := j.tally.judge(c)
		if ask = slices.Sorted(maps.Keys(c.differs)); len(ask) == 0 {
			ask = all
		}
		if err == nil && !j.tally.exact() && time.Since(moved) < settled {
			err = errors.New("the counts still grow")
		}
		return err
	})
	if err == nil { // once more, all of them: none may have grown past what was sent
		if err = j.read(ctx, &c, all); err == nil {
			err = j.tally.judge(c)
		}
	}
	if err != nil {
		return "", err
	}
	got := c.sum()
	if !j.tally.exact() {
		low, high := j.tally.band()
		return fmt.Sprintf("%d of %d answered clicks are counted, %d to %d are possible: %s",
			got.Clicks+got.Bots, want.Clicks+want.Bots, low, high, j.tally.reason()), nil
	}
	return fmt.Sprintf("%d by people and %d by bots, equal on all %d links, by referrer and by country; %d visitors, %d late; %.1f s after the last click",
		got.Clicks, got.Bots, len(all), got.Visitors, got.Late, moved.Sub(began).Seconds()), nil
}

// judge says what is wrong with a census, or nothing.
func (t *tally) judge(c census) error {
	want, got := t.sum(), c.sum()
	if t.exact() {
		if len(c.differs) == 0 {
			return nil
		}
		return fmt.Errorf("counted %d by people and %d by bots, sent %d and %d; %d of %d links differ: %s",
			got.Clicks, got.Bots, want.Clicks, want.Bots, len(c.differs), len(t.links), strings.Join(slices.Sorted(maps.Values(c.differs))[:min(3, len(c.differs))], "; "))
	}
	if low, high := t.band(); got.Clicks+got.Bots < low || got.Clicks+got.Bots > high {
		return fmt.Errorf("counted %d clicks, not between %d and %d", got.Clicks+got.Bots, low, high)
	}
	return nil
}

// reason says why the counts can't be told exactly.
func (t *tally) reason() string {
	if t.replicaDied {
		return fmt.Sprintf("a replica died with the clicks of its last moment, %d tries went unanswered", t.unanswered)
	}
	return fmt.Sprintf("%d tries went unanswered", t.unanswered)
}

// band is what may be counted where answers are missing.
func (t *tally) band() (low, high int64) {
	sum := t.sum()
	low, high = sum.Clicks+sum.Bots, sum.Clicks+sum.Bots+int64(t.unanswered)
	if t.replicaDied {
		// A replica that is killed takes the clicks along that it has answered
		// but not yet handed on: a second's worth at the very most. And the edge
		// asks another replica when one dies before it has answered, so a click
		// on its way may have been counted by both.
		low, high = low-int64(t.perSecond), high+workers
	}
	return low, high
}
