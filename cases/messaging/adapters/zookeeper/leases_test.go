package zookeeper

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/shared/fault/link"
	"designkits/shared/leaktest"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// The sessions' timeouts. A process that hears nothing for two thirds of that has lost its
// leases: where that isn't what is waited for it is longer than a busy machine ever takes.
const (
	short = 6 * time.Second // the default
	long  = 30 * time.Second
)

func open(t *testing.T, address, namespace string, timeout time.Duration) *Session {
	t.Helper()
	s, err := Open(Config{Servers: []string{address}, Namespace: namespace, Timeout: timeout, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	close := sync.OnceFunc(func() { _ = s.Close(context.Background()) })
	t.Cleanup(close)
	return s
}

// A referee sees every lease that anybody holds, and that no partition has two.
type referee struct {
	t       *testing.T
	timeout time.Duration // of the processes' sessions

	mu     sync.Mutex
	holder map[messaging.Partition]string
	epoch  map[messaging.Partition]int64
	lost   int
}

func newReferee(t *testing.T, timeout time.Duration) *referee {
	return &referee{t: t, timeout: timeout, holder: map[messaging.Partition]string{}, epoch: map[messaging.Partition]int64{}}
}

func (r *referee) hold(name string) func(context.Context, messaging.Lease) {
	return func(ctx context.Context, lease messaging.Lease) {
		p := lease.Partition()
		r.mu.Lock()
		if other := r.holder[p]; other != "" {
			r.t.Errorf("%s has the lease of partition %d, which %s holds", name, p, other)
		}
		if lease.Epoch() <= r.epoch[p] {
			r.t.Errorf("partition %d has epoch %d after %d", p, lease.Epoch(), r.epoch[p])
		}
		r.holder[p], r.epoch[p] = name, lease.Epoch()
		r.mu.Unlock()
		<-ctx.Done()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.holder[p] = ""
		select {
		case <-lease.Lost():
			r.lost++
		default:
		}
	}
}

// share reports whether the named hold what the ring of them gives to each.
func (r *referee) share(names ...string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := shares(names)
	for p := range messaging.Partition(messaging.Partitions) {
		if r.holder[p] != of[nodeOf(p)] {
			return false
		}
	}
	return true
}

// A chat is a process that holds leases.
type chat struct {
	session *Session
	end     func() // as SIGTERM does; the session's end is the caller's
}

func (r *referee) chat(address, namespace, name string) chat {
	r.t.Helper()
	s := open(r.t, address, namespace, r.timeout)
	ctx, cancel := context.WithCancel(r.t.Context())
	var all sync.WaitGroup
	all.Go(func() { _ = s.Register(ctx, Chats, Member{Name: name, Address: name + ":1"}) })
	all.Go(func() { _ = s.NewLeases(name, name+":1").Run(ctx, r.hold(name)) })
	end := sync.OnceFunc(func() { cancel(); all.Wait() })
	r.t.Cleanup(end)
	return chat{s, end}
}

func TestProcessesShareThePartitionsByTheRing(t *testing.T) {
	address, namespace, r := testenv.Addr(t, "zookeeper"), testenv.Namespace(t), newReferee(t, long)
	r.chat(address, namespace, "one")
	testenv.Eventually(t, time.Minute, "the only one has all", func() bool { return r.share("one") })
	two := r.chat(address, namespace, "two")
	testenv.Eventually(t, time.Minute, "two share", func() bool { return r.share("one", "two") })
	r.chat(address, namespace, "three")
	testenv.Eventually(t, time.Minute, "three share", func() bool { return r.share("one", "two", "three") })
	two.end()
	testenv.Eventually(t, time.Minute, "who stays has all", func() bool { return r.share("one", "three") })
	if r.lost > 0 {
		t.Errorf("%d leases were lost, where all were let go", r.lost)
	}
}

func TestWhoSaysNothingAnyMoreIsSucceededWithinTheTimeout(t *testing.T) {
	address, namespace, r := testenv.Addr(t, "zookeeper"), testenv.Namespace(t), newReferee(t, short)
	way, err := link.Open(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(way.Close)
	r.chat(address, namespace, "one")
	r.chat(way.Addr(), namespace, "two")
	testenv.Eventually(t, time.Minute, "two share", func() bool { return r.share("one", "two") })
	way.Cut()
	// The referee fails the test if the first has a lease before the second
	// knows that it has lost it.
	took := testenv.Eventually(t, time.Minute, "the other has all", func() bool { return r.share("one") })
	if took > 3*short {
		t.Errorf("that took %s, with a timeout of %s", took, short)
	}
	r.mu.Lock()
	if r.lost == 0 {
		t.Error("the one that was cut off has lost nothing")
	}
	r.mu.Unlock()
	if err := way.Mend(); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, time.Minute, "it is back and has its share", func() bool { return r.share("one", "two") })
}

// A connection that breaks and is whole again at once costs nobody anything.
func TestABrokenConnectionIsNoLostLease(t *testing.T) {
	address, namespace, r := testenv.Addr(t, "zookeeper"), testenv.Namespace(t), newReferee(t, long)
	way, err := link.Open(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(way.Close)
	one := r.chat(way.Addr(), namespace, "one")
	testenv.Eventually(t, time.Minute, "it has all", func() bool { return r.share("one") })
	r.mu.Lock()
	before := fmt.Sprint(r.epoch)
	r.mu.Unlock()
	way.Cut()
	if err := way.Mend(); err != nil {
		t.Fatal(err)
	}
	broke := time.Now()
	testenv.Eventually(t, time.Minute, "ZooKeeper answers again", func() bool { return one.session.unheard() < time.Since(broke) })
	r.mu.Lock()
	defer r.mu.Unlock()
	if after := fmt.Sprint(r.epoch); after != before || r.lost > 0 {
		t.Errorf("the epochs were %s and are %s; %d leases were lost", before, after, r.lost)
	}
}

// A process that was killed and is started again doesn't wait for its own ghost.
func TestAProcessSucceedsItselfAtOnce(t *testing.T) {
	address, namespace, r := testenv.Addr(t, "zookeeper"), testenv.Namespace(t), newReferee(t, long)
	way, err := link.Open(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(way.Close)
	ghosts := newReferee(t, long)
	ghosts.chat(way.Addr(), namespace, "one")
	testenv.Eventually(t, time.Minute, "it has all", func() bool { return ghosts.share("one") })
	way.Cut() // its session lives on
	r.chat(address, namespace, "one")
	testenv.Eventually(t, time.Minute, "it has all again", func() bool { return r.share("one") })
	r.mu.Lock()
	defer r.mu.Unlock()
	for p, epoch := range r.epoch {
		if epoch <= ghosts.epoch[p] {
			t.Errorf("partition %d has epoch %d after %d", p, epoch, ghosts.epoch[p])
		}
	}
}

func TestWhoWatchesSeesWhoIsThere(t *testing.T) {
	address, namespace := testenv.Addr(t, "zookeeper"), testenv.Namespace(t)
	watcher := open(t, address, namespace, long)
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	t.Cleanup(func() { cancel(); watching.Wait() })
	var mu sync.Mutex
	var seen []Member
	watching.Go(func() {
		_ = watcher.Watch(ctx, Gateways, func(members []Member) {
			mu.Lock()
			defer mu.Unlock()
			seen = members
		})
	})
	sees := func(names ...string) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			if seen == nil || len(seen) != len(names) {
				return false
			}
			for i, m := range seen {
				if m.Name != names[i] || m.Address != "at "+names[i] {
					return false
				}
			}
			return true
		}
	}
	register := func(s *Session, name string) func() {
		ctx, cancel := context.WithCancel(t.Context())
		var registered sync.WaitGroup
		registered.Go(func() { _ = s.Register(ctx, Gateways, Member{Name: name, Address: "at " + name}) })
		end := func() { cancel(); registered.Wait() }
		t.Cleanup(end)
		return end
	}
	testenv.Eventually(t, time.Minute, "nobody is there", sees())
	other := open(t, address, namespace, long)
	leave := register(other, "b")
	testenv.Eventually(t, time.Minute, "one is there", sees("b"))
	register(watcher, "a")
	testenv.Eventually(t, time.Minute, "two are there", sees("a", "b"))
	leave()
	testenv.Eventually(t, time.Minute, "one has gone", sees("a"))
}

// A process that stops doesn't wait for a ZooKeeper that doesn't answer.
func TestWhoStopsDoesNotWaitForZooKeeper(t *testing.T) {
	way, err := link.Open(testenv.Addr(t, "zookeeper"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(way.Close)
	s := open(t, way.Addr(), testenv.Namespace(t), long)
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	var registered sync.WaitGroup
	registered.Go(func() { _ = s.Register(ctx, Gateways, Member{Name: "a", Address: "at a"}) })
	testenv.Eventually(t, time.Minute, "it is registered", func() bool { members, _, err := s.members(Gateways); return err == nil && len(members) == 1 })
	if err := way.Delay(time.Minute); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	stop()
	registered.Wait()
	if took := time.Since(began); took > long/2 { // the client itself waits for two thirds
		t.Errorf("it took %s to stop", took)
	}
}
