package clicks

import (
	"context"
	"time"

	"designkits/cases/shortener"
)

// A Dimension is what clicks are broken down by.
type Dimension string

// The dimensions. Total has the one value "".
const (
	Total    Dimension = "total"
	Referrer Dimension = "referrer"
	Country  Dimension = "country"
	Device   Dimension = "device"
	Browser  Dimension = "browser"
)

// A Granularity is the width of one point of a series.
type Granularity string

// The granularities, and what each spans.
const (
	Minute Granularity = "minute"
	Hour   Granularity = "hour"
	Day    Granularity = "day"
)

// Counts are clicks of one bucket. People and bots are counted apart.
type Counts struct {
	Clicks int64 `json:"clicks"` // by people
	Bots   int64 `json:"bots"`   // by bots
	// Visitors are people seen for the first time that day (UTC) on this link,
	// in the bucket in which they came first: so they add up within a day.
	Visitors int64 `json:"visitors"`
	// Late are those of Clicks and Bots that came after their window was
	// closed and were added afterwards.
	Late int64 `json:"late"`
}

// Add adds o to c.
func (c *Counts) Add(o Counts) {
	c.Clicks += o.Clicks
	c.Bots += o.Bots
	c.Visitors += o.Visitors
	c.Late += o.Late
}

// A Point is one bucket of a series.
type Point struct {
	Start time.Time `json:"start"` // inclusive, UTC, aligned to the granularity
	Counts
}

// A StatsQuery asks for the clicks of one code in [From, To).
type StatsQuery struct {
	Code        shortener.Code
	From, To    time.Time
	Granularity Granularity
}

// Stats answer a StatsQuery.
type Stats struct {
	Code        shortener.Code `json:"code"`
	From        time.Time      `json:"from"`
	To          time.Time      `json:"to"`
	Granularity Granularity    `json:"granularity"`
	Total       Counts         `json:"total"`
	// Series has a point for each bucket with clicks, in order of time.
	Series []Point `json:"series"`
	// By breaks Total down: By[Referrer]["example.org"].
	By map[Dimension]map[string]Counts `json:"by"`
}

// An Increment is one result of the stream job: that much more for one code,
// one minute and one value of one dimension. Increments of the same bucket add
// up; late clicks are simply increments that come later.
type Increment struct {
	Code      shortener.Code
	Minute    time.Time
	Dimension Dimension
	Value     string
	Counts
}

// A Position is where in the log of increments one was read: a partition,
// named so that it differs from a partition of an earlier topic of the same
// name, and its offset there.
type Position struct {
	Source string
	Offset int64
}

// StatsStore keeps the sums of increments.
type StatsStore interface {
	// Apply adds increments, those of each source in the order of their offsets.
	// One that was applied before is not counted again, whoever applied it and
	// whatever happened in between: Apply is idempotent by Position. A batch
	// begins no later than where an Apply of that source has succeeded up to: a
	// gap would be taken as counted. A consumer that commits its offset after
	// Apply, and begins at the committed one, keeps to that by itself.
	Apply(ctx context.Context, batch []Positioned) error
	// Stats sums up what has been applied.
	Stats(ctx context.Context, q StatsQuery) (Stats, error)
	// Forget removes every count of a code up to the present minute for good:
	// clicks of that time which are still on their way count no more. What
	// comes in later minutes counts, for an alias may get another owner.
	Forget(ctx context.Context, code shortener.Code) error
}

// A Positioned is an Increment and where it was read.
type Positioned struct {
	Increment
	Position
}
