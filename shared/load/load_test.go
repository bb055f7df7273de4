package load_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"designkits/shared/load"
)

func TestEveryCallIsMadeOnceAndAtItsTime(t *testing.T) {
	var made [500]atomic.Int32
	r, err := load.Run(t.Context(), load.Plan{Rate: 1000, For: 500 * time.Millisecond, Workers: 8},
		func(_ context.Context, _, n int) error { made[n].Add(1); return nil })
	if err != nil {
		t.Fatal(err)
	}
	for n := range made {
		if got := made[n].Load(); got != 1 {
			t.Fatalf("call %d was made %d times", n, got)
		}
	}
	if r.OK != 500 || r.Failed != 0 || r.Elapsed < 490*time.Millisecond {
		t.Errorf("%v, %v elapsed", r, r.Elapsed)
	}
}

// The check of the whole idea: one stall of 300 ms must show in the latencies
// of the calls that were due during it, though only one call was slow.
func TestAStallIsChargedToAllCallsDueInIt(t *testing.T) { synctest.Test(t, chargesAStall) }

func chargesAStall(t *testing.T) {
	release := make(chan struct{})
	r, err := load.Run(t.Context(), load.Plan{Rate: 100, For: time.Second, Workers: 1},
		func(ctx context.Context, _, n int) error {
			if n == 50 {
				timer := time.AfterFunc(300*time.Millisecond, func() { close(release) })
				defer timer.Stop()
				<-release
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	if p80 := r.Quantile(80); p80 < 50*time.Millisecond {
		t.Errorf("p80 is %v: the stall was hidden, as a closed loop would", p80)
	}
	if p50 := r.Quantile(50); p50 > 50*time.Millisecond {
		t.Errorf("p50 is %v: half of the calls were due outside the stall", p50)
	}
	if slower := r.SlowerShare(50 * time.Millisecond); slower < 0.2 || slower > 0.5 {
		t.Errorf("%v of the calls are counted as slower than 50 ms, want a quarter", slower)
	}
}

// A call that waits in the second 0 until second 2 makes its second's row change late.
func TestSecondsAreToldWhileTheLoadRuns(t *testing.T) { synctest.Test(t, tellsSeconds) }

func tellsSeconds(t *testing.T) {
	release := make(chan struct{})
	told := map[int][]load.Second{}
	var mu sync.Mutex
	before := func(second int) int {
		mu.Lock()
		defer mu.Unlock()
		return len(told[second])
	}
	plan := load.Plan{Rate: 10, For: 4 * time.Second, Workers: 4, Warmup: time.Second, Watch: func(second int, so load.Second) {
		mu.Lock()
		defer mu.Unlock()
		told[second] = append(told[second], so)
	}}
	r, err := load.Run(t.Context(), plan, func(_ context.Context, _, n int) error {
		switch n {
		case 12: // due 0.2 s after the warm-up
			<-release
			return errors.New("late")
		case 35: // 2.5 s
			close(release)
		case 49: // the last
			if before(0) != 2 || before(2) != 1 || before(3) != 0 {
				t.Errorf("at the last call was told: %v", told)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if first := told[0][0]; first.OK >= 10 || first.Failed != 0 {
		t.Errorf("when it was over, second 0 was %+v", first)
	}
	for second, want := range r.Seconds {
		if got := told[second]; len(got) == 0 || got[len(got)-1] != want {
			t.Errorf("second %d was told as %+v and was %+v", second, got, want)
		}
	}
	if len(told) != 4 || len(r.Seconds) != 4 {
		t.Errorf("%d seconds were told, of %d", len(told), len(r.Seconds))
	}
}

// A server that answers nothing has seconds in which nothing came back.
func TestSilenceIsToldToo(t *testing.T) { synctest.Test(t, tellsSilence) }

func tellsSilence(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var told []load.Second
	_, err := load.Run(ctx, load.Plan{Rate: 1, For: time.Minute, Workers: 4, Watch: func(second int, so load.Second) {
		if told = append(told, so); second == 2 {
			stop()
		}
	}}, func(ctx context.Context, _, _ int) error {
		<-ctx.Done()
		return ctx.Err()
	})
	if err != nil || len(told) != 3 || told[0] != (load.Second{}) {
		t.Errorf("told %+v, %v", told, err)
	}
}

func TestFailuresAreCountedByTheirText(t *testing.T) {
	boom := errors.New("boom")
	r, err := load.Run(t.Context(), load.Plan{Rate: 1000, For: 100 * time.Millisecond},
		func(_ context.Context, _, n int) error {
			if n%4 == 0 {
				return boom
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	if r.Failed != 25 || r.Errors["boom"] != 25 || r.FailedShare() != 0.25 {
		t.Errorf("%+v", r)
	}
}

// A server with one worker and 2 ms a call carries 500/s and no more.
func TestSearchFindsWhatIsCarried(t *testing.T) { synctest.Test(t, findsWhatIsCarried) }

func findsWhatIsCarried(t *testing.T) {
	turn := make(chan struct{}, 1)
	serve := func(ctx context.Context, _, _ int) error {
		turn <- struct{}{}
		defer func() { <-turn }()
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
		}
		return nil
	}
	for _, s := range []load.Search{
		{Plan: load.Plan{Rate: 100}},
		{Plan: load.Plan{Rate: 400}, Step: 1.3},
		{Plan: load.Plan{Rate: 5000}},
	} {
		s.Plan.For, s.Plan.Workers, s.SLO, s.Precision = 250*time.Millisecond, 64, load.SLO{P99: 50 * time.Millisecond}, 0.1
		r, err := s.Max(t.Context(), serve)
		if err != nil {
			t.Fatal(err)
		}
		if r.Offered < 200 || r.Offered > 600 {
			t.Errorf("from %v/s: found %v/s, want a little under 500/s", s.Plan.Rate, r.Offered)
		}
	}
}

func TestHTTPCallsArriveAndAreNotRepeated(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Header.Get("X-Country") != "FI" || r.URL.Path != "/abc" {
			t.Errorf("got %s with %v", r.URL.Path, r.Header)
		}
		http.Redirect(w, r, "https://example.org/", http.StatusFound)
	}))
	defer server.Close()
	addr := strings.TrimPrefix(server.URL, "http://")
	call := load.HTTP(addr, 4,
		func(int) load.Request { return load.Request{Path: "/abc", Header: [][2]string{{"X-Country", "FI"}}} },
		load.Status(http.StatusFound))
	r, err := load.Run(t.Context(), load.Plan{Rate: 500, For: 200 * time.Millisecond, Workers: 4}, call)
	if err != nil {
		t.Fatal(err)
	}
	if r.OK != 100 || asked.Load() != 100 {
		t.Errorf("%v, the server was asked %d times", r, asked.Load())
	}
	server.CloseClientConnections()
	server.Close()
	if err := call(t.Context(), 0, 0); err == nil {
		t.Error("a call to a server that has gone succeeded")
	}
}
