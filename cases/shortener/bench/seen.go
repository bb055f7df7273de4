package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"github.com/chromedp/chromedp"

	"designkits/cases/shortener/client"
	harness "designkits/shared/bench"
	"designkits/shared/load"
	"designkits/shared/rig"
)

var statusCodes = harness.Bench{
	Name:  "301-302",
	About: "clicks that are seen when a real browser opens a link five times, by 302 and by 301",
	Run: func(ctx context.Context, r *harness.Run) (err error) {
		c, err := rig.Start(ctx, rig.Options{Only: []string{"api"}, Env: unlimited})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, c.Stop(context.WithoutCancel(ctx))) }()
		user, err := open(ctx, c.Page)
		if err != nil {
			return err
		}
		defer user.Close()
		for _, permanent := range []bool{false, true} {
			asked, arrived, err := openedByBrowser(ctx, c, user, permanent)
			if err != nil {
				return err
			}
			name, want := "clicks-seen-302", harness.AtLeast(opened)
			if permanent {
				name, want = "clicks-seen-301", harness.AtMost(1)
			}
			r.Report(harness.Result{Name: name, Value: asked, Baseline: arrived, Note: fmt.Sprintf("opened %d times; the baseline is how often the browser arrived", opened)}, want)
		}
		return nil
	},
}

// opened is how often the browser opens the link.
const opened = 5

// openedByBrowser counts how often the shortener is asked when a browser opens
// a link, and how often it arrives. Targets on this machine are refused, so the
// browser is told that the target's host is this one's.
func openedByBrowser(ctx context.Context, c *rig.Case, user *client.Client, permanent bool) (asked, arrived float64, err error) {
	var arrivals atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/there" {
			arrivals.Add(1)
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>there</title>") // to the browser
	}))
	defer target.Close()
	port := target.URL[strings.LastIndex(target.URL, ":")+1:]
	var made client.Link
	err = user.Do(ctx, http.MethodPost, "/api/links", map[string]any{"target": "http://bench.example.org:" + port + "/there", "permanent": permanent}, &made)
	if err != nil {
		return 0, 0, err
	}
	before, err := c.Metric(ctx, "api-1", "shortener_redirect_seconds", "outcome", "followed")
	if err != nil {
		return 0, 0, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.UserAgent(agent),
		chromedp.Flag("host-resolver-rules", "MAP bench.example.org 127.0.0.1, MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"))
	allocator, stop := chromedp.NewExecAllocator(ctx, options...)
	defer stop()
	tab, cancel := chromedp.NewContext(allocator)
	defer cancel()
	for range opened {
		if err := chromedp.Do(tab, chromedp.Navigate(c.Page+made.Code)); err != nil {
			return 0, 0, fmt.Errorf("open %s in Chromium, which `kit bench` fetches: %w", c.Page+made.Code, err)
		}
	}
	after, err := c.Metric(ctx, "api-1", "shortener_redirect_seconds", "outcome", "followed")
	return after - before, float64(arrivals.Load()), err
}

var freshness = harness.Bench{
	Name:  "freshness",
	About: "from a click to its count in the stats API, through Kafka and Flink",
	Run: func(ctx context.Context, r *harness.Run) (err error) {
		c, err := rig.Start(ctx, rig.Options{Env: unlimited})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, c.Stop(context.WithoutCancel(ctx))) }()
		plan := load.Plan{Rate: 4, For: 30 * time.Second, Workers: 64}
		if r.Quick {
			plan.For = 2 * time.Second
		}
		user, err := open(ctx, c.Page)
		if err != nil {
			return err
		}
		defer user.Close()
		// A link a click, and one more, which waits for the job to run.
		paths, err := makeLinks(ctx, user, int(plan.Rate*plan.For.Seconds())+1)
		if err != nil {
			return err
		}
		if err := clickUntilSeen(ctx, user, paths[len(paths)-1], 2*time.Minute); err != nil {
			return err
		}
		result, err := load.Run(ctx, plan, func(ctx context.Context, _, n int) error {
			return clickUntilSeen(ctx, user, paths[n], 30*time.Second)
		})
		if err != nil {
			return err
		}
		if result.Failed > 0 {
			return fmt.Errorf("%d of %d clicks were not seen: %v", result.Failed, result.Failed+result.OK, result.Errors)
		}
		r.Report(harness.Result{
			Name: "freshness", Value: result.Quantile(99).Seconds(), Unit: "s",
			Note: fmt.Sprintf("p50 %.1f s, p99 of %d clicks, of it up to 50 ms are this bench's own asking", result.Quantile(50).Seconds(), result.OK),
		}, harness.AtMost(5))
		return nil
	},
}

// clickUntilSeen follows a link once and returns when the stats API counts it.
func clickUntilSeen(ctx context.Context, user *client.Client, path string, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	began := time.Now()
	if status, _, err := user.Follow(ctx, path, browser); err != nil || status != http.StatusFound {
		return fmt.Errorf("follow %s: %d, %w", path, status, err)
	}
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for {
		stats, err := user.Stats(ctx, path[1:], began.Add(-time.Minute), began.Add(time.Minute))
		if err != nil {
			return fmt.Errorf("stats of %s: %w", path, err)
		}
		if stats.Total.Clicks > 0 {
			return nil
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return fmt.Errorf("the click on %s is not counted: %w", path, ctx.Err())
		}
	}
}
