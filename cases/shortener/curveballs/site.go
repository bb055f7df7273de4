package curveballs

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/shortener/client"
	"designkits/cases/shortener/testdata"
	"designkits/shared/curveball"
	"designkits/shared/load"
	"designkits/shared/rig"
)

// A site is the case in a trial's variant, and somebody who uses it.
type site struct {
	*rig.Case
	*client.Client // through the edge, with a key of its own
	trial          *curveball.Trial
	began          time.Time
	sent           tally
}

// generous are the settings under which an experiment that is not about limits
// may do as much as it likes.
var generous = map[string]string{"KEY_RATE": "100000", "KEY_BURST": "100000", "LINKS_PER_DAY": "1000000", "KEYS_PER_DAY": "1000000"}

// start starts the case with the trial's options as settings, and ends it with
// the trial. What the options leave open, env says.
func start(ctx context.Context, t *curveball.Trial, o rig.Options) (*site, error) {
	env := maps.Clone(generous)
	maps.Copy(env, o.Env)
	maps.Copy(env, t.Options())
	o.Env = env
	c, err := rig.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	t.Cleanup(c.Stop)
	s := &site{Case: c, trial: t, began: time.Now()}
	if s.Client, err = s.user(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// startAPI starts the replicas alone, without edge and counting: they are there
// sooner.
func startAPI(ctx context.Context, t *curveball.Trial, o rig.Options) (*site, error) {
	env := map[string]string{"ANALYTICS": "http://127.0.0.1:1"} // nobody looks at clicks
	maps.Copy(env, o.Env)
	o.Env, o.Only = env, []string{"api"}
	return start(ctx, t, o)
}

// user is somebody else, with a key of their own.
func (s *site) user(ctx context.Context) (*client.Client, error) {
	return userOf(ctx, s.trial, s.Case.Page)
}

// at is the same person at one replica, past the edge.
func (s *site) at(replica string) (*client.Client, error) {
	c, err := client.New("http://" + s.Addr(replica))
	if err != nil {
		return nil, err
	}
	s.trial.Cleanup(func(context.Context) error { c.Close(); return nil })
	c.Key = s.Key
	return c, nil
}

func userOf(ctx context.Context, t *curveball.Trial, page string) (*client.Client, error) {
	c, err := client.New(page)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func(context.Context) error { c.Close(); return nil })
	_, err = c.NewKey(ctx)
	return c, err
}

// link makes one link.
func (s *site) link(ctx context.Context, target string) (client.Link, error) {
	return shorten(ctx, s.Client, map[string]any{"target": target})
}

func shorten(ctx context.Context, by *client.Client, body map[string]any) (client.Link, error) {
	var l client.Link
	err := by.Do(ctx, http.MethodPost, "/api/links", body, &l)
	return l, err
}

// listed are the user's links.
func listed(ctx context.Context, by *client.Client) ([]client.Link, error) {
	var page struct{ Links []client.Link }
	err := by.Do(ctx, http.MethodGet, "/api/links?limit=100", nil, &page)
	return page.Links, err
}

// change changes the user's own link.
func change(ctx context.Context, by *client.Client, link client.Link, what map[string]any) error {
	return by.Do(ctx, http.MethodPatch, "/api/links/"+link.Code, what, nil)
}

// links makes many, to real addresses.
func (s *site) links(ctx context.Context, n int) ([]client.Link, error) {
	targets := make([]string, n)
	urls := testdata.URLs()
	for i := range targets {
		targets[i] = urls[i%len(urls)]
	}
	return s.Bulk(ctx, targets)
}

// A tally is how many clicks were answered and how many not, by code.
type tally struct {
	mu       sync.Mutex
	answered map[string]int64
	failed   int64 // each of them was counted or not
}

func (t *tally) add(code string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !ok {
		t.failed++
		return
	}
	if t.answered == nil {
		t.answered = map[string]int64{}
	}
	t.answered[code]++
}

func (t *tally) sum() (sum int64) {
	for _, n := range t.answered {
		sum += n
	}
	return sum
}

// A person has a browser and an address of their own: those of the block that
// is set aside for benchmarks (RFC 2544) are nobody's.
func person(n int) [][2]string {
	const first = 198<<24 | 18<<16
	addr := uint32(first + n%(1<<17))
	return [][2]string{
		{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
		{"X-Forwarded-For", netip.AddrFrom4([4]byte{byte(addr >> 24), byte(addr >> 16), byte(addr >> 8), byte(addr)}).String()},
	}
}

// workers is how many calls may be under way at once.
const workers = 256

// click sends clicks, each by another person: Zipf over the links, as people
// are, or all on the one link that there is. What is answered is tallied.
func (s *site) click(ctx context.Context, name string, rate float64, span time.Duration, links ...client.Link) (*load.Result, error) {
	return s.clickAt(ctx, name, s.edge(), rate, span, links)
}

func (s *site) clickAt(ctx context.Context, name, addr string, rate float64, span time.Duration, links []client.Link) (*load.Result, error) {
	chosen := make([]int, int(rate*span.Seconds())+1)
	if len(links) > 1 {
		zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.15, 1, uint64(len(links)-1))
		for i := range chosen {
			chosen[i] = int(zipf.Uint64())
		}
	}
	call := load.HTTP(addr, workers,
		func(n int) load.Request {
			return load.Request{Path: "/" + links[chosen[n]].Code, Header: person(n)}
		},
		load.Status(http.StatusFound))
	plan := load.Plan{Rate: rate, For: span, Workers: workers}
	return s.trial.Load(ctx, name, plan, func(ctx context.Context, worker, n int) error {
		err := call(ctx, worker, n)
		s.sent.add(links[chosen[n]].Code, err == nil)
		return err
	})
}

// edge is the address that people reach.
func (s *site) edge() string {
	u, err := url.Parse(s.Case.Page)
	if err != nil { // the rig made it
		return s.Case.Page
	}
	return u.Host
}

// A count is what has become of the tallied clicks.
type count struct {
	lost  int64 // answered and not counted
	twice int64 // counted more often than they can have been sent
}

// quiet is how long after the last progress counting is taken to have ended.
const quiet = 15 * time.Second

// counted waits until all tallied clicks are counted, or no more of them come,
// and compares.
func (s *site) counted(ctx context.Context) (c count, err error) {
	s.trial.Phase("wait until %d clicks are counted", s.sent.sum())
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	began, seen, since := time.Now(), int64(-1), time.Now()
	for {
		got, err := s.read(ctx)
		if err != nil {
			return c, err
		}
		c = count{}
		sum := int64(0)
		for code, n := range s.sent.answered {
			c.lost += max(n-got[code], 0)
			c.twice += max(got[code]-n, 0)
			sum += got[code]
		}
		c.twice = max(c.twice-s.sent.failed, 0)
		if sum != seen {
			seen, since = sum, time.Now()
		}
		// A count that is too high may be on its way when all are there.
		patience := quiet
		if c.lost == 0 {
			patience = 3 * time.Second
		} else if sum == 0 {
			patience = 4 * quiet // the stream job may be starting still
		}
		if time.Since(since) > patience {
			s.trial.Note("%d of %d clicks counted, %.1f s after the last was sent", sum, s.sent.sum(), since.Sub(began).Seconds())
			return c, nil
		}
		select {
		case <-ctx.Done():
			return c, ctx.Err()
		case <-ticker.C:
		}
	}
}

// read returns what is counted of each tallied code.
func (s *site) read(ctx context.Context) (map[string]int64, error) {
	counted := map[string]int64{}
	var mu sync.Mutex
	reads, ctx := errgroup.WithContext(ctx)
	reads.SetLimit(8)
	for code := range s.sent.answered {
		reads.Go(func() error {
			stats, err := s.Stats(ctx, code, s.began.Add(-time.Minute), time.Now().Add(2*time.Minute))
			if err != nil {
				return fmt.Errorf("stats of /%s: %w", code, err)
			}
			mu.Lock()
			defer mu.Unlock()
			counted[code] = stats.Total.Clicks
			return nil
		})
	}
	return counted, reads.Wait()
}

// metric adds up a figure of /metrics over the replicas.
func (s *site) metric(ctx context.Context, name string) (sum float64, err error) {
	for _, replica := range s.Names() {
		if !strings.HasPrefix(replica, "api") {
			continue
		}
		v, err := metricOf(ctx, s.Addr(replica), name)
		if err != nil {
			return 0, err
		}
		sum += v
	}
	return sum, nil
}

func metricOf(ctx context.Context, addr, name string) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("%s/metrics has no %s", addr, name)
}
