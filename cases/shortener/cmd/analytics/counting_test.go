package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/clicks"
	"designkits/shared/testenv"

	"github.com/google/uuid"
)

// click returns a click with a new id.
func click(code string, at time.Time) clicks.Click {
	return clicks.Click{
		Schema: 1, ID: uuid.Must(uuid.NewV7()).String(), Time: at.UTC().Truncate(time.Millisecond), Code: shortener.Code(code),
		Referrer: "example.org", Country: "FI", Device: "desktop", Browser: "firefox", Visitor: "v1",
	}
}

func TestFreshness(t *testing.T) {
	c := startCounting(t)
	c.untilRunning()
	var took []time.Duration
	sent := map[shortener.Code]time.Time{}
	for i := range 200 {
		code := fmt.Sprintf("fresh%03d", i)
		sent[shortener.Code(code)] = time.Now()
		c.append(click(code, time.Now()))
		<-time.After(rand.N(100 * time.Millisecond))
	}
	testenv.Eventually(t, 2*time.Minute, "all clicks are counted", func() bool { return c.total(clicks.Total).Clicks == 200 })
	c.mu.Lock()
	defer c.mu.Unlock()
	for code, at := range sent {
		took = append(took, c.arrivals[code].Sub(at))
	}
	slices.Sort(took)
	t.Logf("click to increment: p50 %s, p99 %s, max %s", took[100], took[198], took[199])
}

// traffic is a stream of n clicks as they come in life: few links with most of
// the clicks, visitors who come again, every eighth a bot, every tenth late by
// up to an hour, and every twentieth sent twice.
func traffic(n int, seed uint64) []clicks.Click {
	random := rand.New(rand.NewPCG(seed, 1))
	links := rand.NewZipf(random, 1.3, 1, 40)
	var sent []clicks.Click
	for i := range n {
		c := click(fmt.Sprintf("link%02d", links.Uint64()), time.Now())
		c.Visitor = fmt.Sprintf("visitor%d", random.IntN(200))
		c.Referrer = []string{"", "example.org", "news.example.com", "søk.example"}[random.IntN(4)]
		c.Country = []string{"??", "DE", "FI", "BR"}[random.IntN(4)]
		c.Device = []string{"desktop", "mobile", "tablet"}[random.IntN(3)]
		c.Browser = []string{"chrome", "firefox", "safari"}[random.IntN(3)]
		if i%8 == 0 {
			c.Bot, c.Device, c.Browser = true, "bot", "other"
		}
		if i%10 == 0 {
			c.Time = c.Time.Add(-time.Duration(10+random.IntN(3600)) * time.Second)
		}
		sent = append(sent, c)
		if i%20 == 0 {
			sent = append(sent, c)
		}
	}
	return sent
}

// send appends clicks in batches with their time set to now, except for the
// late ones, and returns what was sent.
func (c *counting) send(sent []clicks.Click, between time.Duration) []clicks.Click {
	c.t.Helper()
	generated := time.Now()
	moved := map[string]time.Time{}
	for batch := range slices.Chunk(sent, 50) {
		for i := range batch {
			if at, ok := moved[batch[i].ID]; ok {
				batch[i].Time = at
				continue
			}
			if generated.Sub(batch[i].Time) < 5*time.Second {
				batch[i].Time = time.Now().UTC().Truncate(time.Millisecond)
			}
			moved[batch[i].ID] = batch[i].Time
		}
		c.append(batch...)
		<-time.After(between)
	}
	return sent
}

func TestEveryClickIsCountedOnceInItsMinuteAndParts(t *testing.T) {
	c := startCounting(t)
	c.untilRunning()
	c.mustJudgeOnce()
	probes := c.untilLate()
	early := c.total(clicks.Total).Late
	sent := append(probes, c.send(traffic(5000, 1), 20*time.Millisecond)...)
	// Much later, a spool is replayed: everything a second time.
	c.append(sent...)
	c.mustEqual(sent, 2*time.Minute)

	// A tenth are late, and more where this machine was slow.
	if late := c.total(clicks.Total).Late - early; late < 400 || late > 2500 {
		t.Errorf("%d clicks were late, want about 500 of 5000", late)
	}
	for _, dimension := range []clicks.Dimension{clicks.Referrer, clicks.Country, clicks.Device, clicks.Browser} {
		if got, want := c.total(dimension), c.total(clicks.Total); got != want {
			t.Errorf("the parts by %s add up to %+v, the total is %+v", dimension, got, want)
		}
	}
}

// untilLate sends old clicks until one is late, and returns all it has sent:
// nothing is late before the job's first watermark.
func (c *counting) untilLate() (sent []clicks.Click) {
	c.t.Helper()
	for c.total(clicks.Total).Late == 0 {
		if len(sent) == 100 {
			c.t.Fatal("of a hundred clicks that were an hour old none was late")
		}
		sent = append(sent, click("probe", time.Now().Add(-time.Hour)))
		c.append(sent[len(sent)-1])
		testenv.Eventually(c.t, 2*time.Minute, "the old click is counted", func() bool {
			return c.total(clicks.Total).Clicks == int64(len(sent))
		})
	}
	return sent
}

// mustJudgeOnce looks at the job as it runs: what clicks.sql says of being
// counted on exactly one of two ways holds because there is one deduplication
// by id, and because whether a click is late is asked in the task that then
// sends it one way or the other.
func (c *counting) mustJudgeOnce() {
	c.t.Helper()
	jobs := c.activeJobs()
	if len(jobs) != 1 {
		c.t.Fatalf("%d jobs, want one", len(jobs))
	}
	var job struct {
		Plan struct {
			Nodes []struct{ Description string }
		}
	}
	resp, err := http.Get("http://" + testenv.Addr(c.t, "flink.rest") + "/jobs/" + jobs[0].JID)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&job); err != nil {
		c.t.Fatal(err)
	}
	deduplications, judged, split := 0, 0, 0
	for _, task := range job.Plan.Nodes {
		deduplications += strings.Count(task.Description, "key=[id]")
		n := strings.Count(task.Description, "CURRENT_WATERMARK")
		judged += n
		if n > 0 {
			split += strings.Count(task.Description, "where=[late]") + strings.Count(task.Description, "where=[NOT(late)]")
		}
	}
	if deduplications != 1 || judged != 2 || split != 4 {
		c.t.Errorf("%d deduplications by id, %d judgements and %d ways behind them; want 1, 2 (clicks and visitors) and 4: look at EXPLAIN", deduplications, judged, split)
	}
}
