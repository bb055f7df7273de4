package statstoretest

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/clicks"
)

func sums(t *testing.T, open Open) {
	store := open(t)
	code := newCode()
	all := clicks.Counts{Clicks: 5, Bots: 2, Visitors: 3, Late: 1}
	apply(t, store, log(newSource(),
		clicks.Increment{Code: code, Minute: noon, Dimension: clicks.Total, Counts: all},
		clicks.Increment{Code: code, Minute: noon, Dimension: clicks.Referrer, Value: "example.org", Counts: clicks.Counts{Clicks: 4, Bots: 2}},
		clicks.Increment{Code: code, Minute: noon, Dimension: clicks.Referrer, Value: "", Counts: clicks.Counts{Clicks: 1}},
		people(code, noon.Add(59*time.Minute), clicks.Total, "", 10),
		people(code, noon.Add(59*time.Minute), clicks.Referrer, "example.org", 10),
		people(code, noon.Add(60*time.Minute), clicks.Total, "", 100),
		people(code, noon.Add(60*time.Minute), clicks.Device, "mobile", 100),
		people(code, noon.AddDate(0, 0, 1), clicks.Total, "", 1000),
		people(code, noon, clicks.Total, "", 10000), // late, for a minute that was counted before
		people(newCode(), noon, clicks.Total, "", 7),
	))
	total := all
	total.Clicks = 11115
	by := map[clicks.Dimension]map[string]clicks.Counts{
		clicks.Referrer: {"example.org": {Clicks: 14, Bots: 2}, "": {Clicks: 1}},
		clicks.Device:   {"mobile": {Clicks: 100}},
	}
	point := func(start time.Time, n int64, rest clicks.Counts) clicks.Point {
		rest.Clicks = n
		return clicks.Point{Start: start, Counts: rest}
	}
	day := 24 * time.Hour
	for granularity, series := range map[clicks.Granularity][]clicks.Point{
		clicks.Minute: {point(noon, 10005, all), point(noon.Add(59*time.Minute), 10, clicks.Counts{}),
			point(noon.Add(time.Hour), 100, clicks.Counts{}), point(noon.Add(day), 1000, clicks.Counts{})},
		clicks.Hour: {point(noon, 10015, all), point(noon.Add(time.Hour), 100, clicks.Counts{}), point(noon.Add(day), 1000, clicks.Counts{})},
		clicks.Day:  {point(noon.Truncate(day), 10115, all), point(noon.Truncate(day).Add(day), 1000, clicks.Counts{})},
	} {
		from, to := noon.AddDate(0, 0, -7), noon.AddDate(0, 0, 7)
		want := clicks.Stats{Code: code, From: from, To: to, Granularity: granularity, Total: total, Series: series, By: by}
		if got := read(t, store, code, from, to, granularity); !reflect.DeepEqual(got, want) {
			t.Errorf("by %s:\ngot  %+v\nwant %+v", granularity, got, want)
		}
	}
	var invalid *shortener.Invalid
	if _, err := store.Stats(testContext(t), clicks.StatsQuery{Code: code, From: noon, To: noon, Granularity: "week"}); !errors.As(err, &invalid) {
		t.Errorf("by week: got %v, wanted a *Invalid", err)
	}
}

func ranges(t *testing.T, open Open) {
	store := open(t)
	code := newCode()
	midnight := noon.Truncate(24 * time.Hour)
	apply(t, store, log(newSource(),
		people(code, midnight.Add(-time.Minute), clicks.Total, "", 1),
		people(code, midnight, clicks.Total, "", 10),
		people(code, midnight.Add(time.Minute), clicks.Total, "", 100),
		people(code, midnight.Add(24*time.Hour), clicks.Total, "", 1000),
	))
	for _, c := range []struct {
		from, to time.Time
		want     int64
	}{
		{midnight, midnight.Add(24 * time.Hour), 110},
		{midnight.Add(-time.Minute), midnight.Add(time.Minute), 11},
		{midnight.Add(time.Minute), midnight.Add(25 * time.Hour), 1100},
		{midnight, midnight, 0},
		{midnight.Add(time.Hour), midnight, 0},
	} {
		if got := read(t, store, code, c.from, c.to, clicks.Hour).Total.Clicks; got != c.want {
			t.Errorf("from %s to %s: %d clicks, wanted %d", c.from, c.to, got, c.want)
		}
	}
}

func unknown(t *testing.T, open Open) {
	got := readAll(t, open(t), newCode())
	if got.Total != (clicks.Counts{}) || len(got.Series) != 0 || got.Series == nil || len(got.By) != 0 || got.By == nil {
		t.Errorf("got %#v, wanted empty sums, and no nil that JSON would write as null", got)
	}
}

func sources(t *testing.T, open Open) {
	store := open(t)
	code := newCode()
	inc := people(code, noon, clicks.Total, "", 1)
	for range 3 {
		apply(t, store, log(newSource(), inc, inc))
	}
	if got := readAll(t, store, code).Total.Clicks; got != 6 {
		t.Errorf("%d clicks from three sources, wanted 6", got)
	}
}

func outOfOrder(t *testing.T, open Open) {
	store := open(t)
	batch := log(newSource(), people(newCode(), noon, clicks.Total, "", 1), people(newCode(), noon, clicks.Total, "", 1))
	batch[0], batch[1] = batch[1], batch[0]
	if err := store.Apply(testContext(t), batch); err == nil {
		t.Error("offsets that fall were taken")
	}
	if err := store.Apply(testContext(t), nil); err != nil {
		t.Errorf("an empty batch: %v", err)
	}
}

func forget(t *testing.T, open Open) {
	store, other := open(t), open(t)
	code := newCode()
	source := newSource()
	now := time.Now().UTC()
	earlier := now.Add(-30 * time.Hour).Truncate(time.Minute)
	minuteAgo := now.Add(-time.Minute).Truncate(time.Minute)
	ahead := now.Add(10 * time.Minute).Truncate(time.Minute) // as good as later
	all := func() int64 {
		return read(t, store, code, now.AddDate(0, 0, -10), now.AddDate(0, 0, 10), clicks.Day).Total.Clicks
	}
	increments := log(source,
		people(code, earlier, clicks.Total, "", 1),
		people(code, minuteAgo, clicks.Total, "", 10),
		people(code, earlier, clicks.Total, "", 100),
		people(code, minuteAgo, clicks.Total, "", 1000),
		people(code, ahead, clicks.Total, "", 10000),
	)
	apply(t, store, increments[:2])
	if got := all(); got != 11 {
		t.Fatalf("%d clicks, wanted 11", got)
	}
	if err := other.Forget(testContext(t), code); err != nil {
		t.Fatal(err)
	}
	if got := all(); got != 0 {
		t.Errorf("%d clicks after they were forgotten", got)
	}
	apply(t, store, increments[2:4]) // what was on its way
	if got := all(); got != 0 {
		t.Errorf("%d clicks of forgotten minutes came back", got)
	}
	apply(t, store, increments[4:])
	if got := all(); got != 10000 {
		t.Errorf("%d clicks after the next owner's first ones, wanted 10000", got)
	}
	if err := store.Forget(testContext(t), newCode()); err != nil {
		t.Errorf("forget an unknown code: %v", err)
	}
}
