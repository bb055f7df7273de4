package httpapi

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/clicks"
	"designkits/shared/httpjson"
)

// spans are how much of each granularity one answer may cover, so that none
// has more than some thousand points.
var spans = map[clicks.Granularity]struct {
	width    time.Duration
	longest  time.Duration
	standard time.Duration // where from isn't given
}{
	clicks.Minute: {time.Minute, 48 * time.Hour, time.Hour},
	clicks.Hour:   {time.Hour, 62 * 24 * time.Hour, 24 * time.Hour},
	clicks.Day:    {24 * time.Hour, 2 * 366 * 24 * time.Hour, 30 * 24 * time.Hour},
}

func (s *Server) stats(w http.ResponseWriter, r *http.Request) error {
	link, err := s.owned(w, r)
	if err != nil {
		return err
	}
	query, err := statsQuery(r.URL.Query(), s.Clock())
	if err != nil {
		return err
	}
	query.Code = link.Code
	asked := query.From
	// An alias may have been somebody else's before: their clicks are not shown.
	if made := link.Created.Truncate(time.Minute); query.From.Before(made) {
		query.From = made
		query.To = maxTime(query.To, made)
	}
	stats, err := s.Stats.Stats(r.Context(), query)
	if err != nil {
		return err
	}
	stats.From = asked
	if stats.Series == nil {
		stats.Series = []clicks.Point{}
	}
	return httpjson.Write(w, http.StatusOK, stats)
}

// statsQuery reads from, to and granularity. The range is widened to whole
// minutes, since nothing finer is kept.
func statsQuery(values url.Values, now time.Time) (q clicks.StatsQuery, err error) {
	q.Granularity = clicks.Granularity(values.Get("granularity"))
	if q.Granularity == "" {
		q.Granularity = clicks.Hour
	}
	span, ok := spans[q.Granularity]
	if !ok {
		return q, &shortener.Invalid{Field: "granularity", Rule: "unknown", Reason: "granularity is minute, hour or day"}
	}
	q.To = now
	if text := values.Get("to"); text != "" {
		if q.To, err = parseTime("to", text); err != nil {
			return q, err
		}
	}
	q.From = q.To.Add(-span.standard)
	if text := values.Get("from"); text != "" {
		if q.From, err = parseTime("from", text); err != nil {
			return q, err
		}
	}
	q.From = q.From.UTC().Truncate(time.Minute)
	if to := q.To.UTC().Truncate(time.Minute); to.Before(q.To) {
		q.To = to.Add(time.Minute)
	} else {
		q.To = to
	}
	switch {
	case !q.From.Before(q.To):
		return q, &shortener.Invalid{Field: "from", Rule: "range", Reason: "from must be before to"}
	case q.To.Sub(q.From) > span.longest+span.width:
		return q, &shortener.Invalid{Field: "from", Rule: "too-long",
			Reason: fmt.Sprintf("by %s at most %d days can be asked for at once", q.Granularity, int(span.longest.Hours()/24))}
	}
	return q, nil
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
