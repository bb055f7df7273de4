package bench

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gocql/gocql"

	"designkits/cases/shortener/adapters/cassandra"
	"designkits/cases/shortener/codes"
	"designkits/cases/shortener/testdata"
	harness "designkits/shared/bench"
	"designkits/shared/kitenv"
)

// crowded is the code space of the strategies that may collide: 62^3 codes, so
// that what would take them years with seven characters is seen in seconds.
const crowded = 62 * 62 * 62

var codeStrategies = harness.Bench{
	Name:  "codes",
	About: "leased ranges, against random codes and hash prefixes that are claimed by a conditional insert",
	Run: func(ctx context.Context, r *harness.Run) (err error) {
		s, err := openStrategies(ctx)
		if err != nil {
			return err
		}
		defer s.session.Close()
		defer s.db.Close()
		generator, err := codes.NewGenerator(ctx, []byte("a key of the bench, of 32 bytes."), s.db.Ranges(), codes.RangeSize)
		if err != nil {
			return err
		}
		defer generator.Close()
		random := func(int, int) uint64 {
			var b [8]byte
			_, _ = rand.Read(b[:]) // never fails, see crypto/rand
			return binary.BigEndian.Uint64(b[:]) % crowded
		}
		targets := testdata.URLs()
		hashed := func(n, try int) uint64 { // of the target, and how often it was tried
			sum := sha256.Sum256(fmt.Appendf(nil, "%s?%d %d", targets[n%len(targets)], n, try))
			return binary.BigEndian.Uint64(sum[:]) % crowded
		}
		baseline, err := s.run(ctx, r, "codes-random", func(ctx context.Context, n int) error { return s.claim(ctx, "random", n, random) })
		if err != nil {
			return err
		}
		r.Report(baseline, harness.None)
		hash, err := s.run(ctx, r, "codes-hash", func(ctx context.Context, n int) error { return s.claim(ctx, "hash", n, hashed) })
		if err != nil {
			return err
		}
		hash.Baseline = baseline.Value
		r.Report(hash, harness.None)
		leased, err := s.run(ctx, r, "codes-leased", func(ctx context.Context, _ int) error {
			code, err := generator.Next(ctx)
			if err != nil {
				return err
			}
			s.trips.Add(1)
			return s.session.Query(`INSERT INTO leased (code) VALUES (?)`, code).WithContext(ctx).Exec()
		})
		if err != nil {
			return err
		}
		leased.Baseline = baseline.Value
		r.Report(leased, harness.RatioAtLeast(1))
		return nil
	},
}

// strategies are the ways to a new code. Each stores it, by 32 callers.
type strategies struct {
	db                *cassandra.DB
	session           *gocql.Session
	trips, collisions atomic.Int64
}

func openStrategies(ctx context.Context) (*strategies, error) {
	addr, err := kitenv.Addr("cassandra")
	if err != nil {
		return nil, err
	}
	namespace, err := kitenv.Namespace()
	if err != nil {
		return nil, err
	}
	s := &strategies{}
	if s.db, err = cassandra.Open(ctx, cassandra.Config{Hosts: []string{addr}, Keyspace: namespace}); err != nil {
		return nil, err
	}
	cluster := gocql.NewCluster(addr)
	cluster.Keyspace, cluster.DisableInitialHostLookup, cluster.Timeout = namespace, true, 5*time.Second
	if s.session, err = cluster.CreateSession(); err != nil {
		s.db.Close()
		return nil, fmt.Errorf("connect to Cassandra: %w", err)
	}
	for _, table := range []string{"random", "hash", "leased"} {
		if err := s.session.Query(`CREATE TABLE ` + table + ` (code text PRIMARY KEY)`).WithContext(ctx).Exec(); err != nil {
			return nil, errors.Join(fmt.Errorf("create table %s: %w", table, err), ctx.Err())
		}
	}
	return s, nil
}

// claim tries codes until one was free.
func (s *strategies) claim(ctx context.Context, table string, n int, draw func(n, try int) uint64) error {
	for try := 0; ; try++ {
		s.trips.Add(1)
		applied, err := s.session.Query(`INSERT INTO `+table+` (code) VALUES (?) IF NOT EXISTS`, fmt.Sprint(draw(n, try))).
			WithContext(ctx).MapScanCAS(map[string]any{})
		if err != nil {
			return err
		}
		if applied {
			return nil
		}
		s.collisions.Add(1)
	}
}

// run makes as many codes as 32 callers can in a while.
func (s *strategies) run(ctx context.Context, r *harness.Run, name string, next func(ctx context.Context, n int) error) (harness.Result, error) {
	s.trips.Store(0)
	s.collisions.Store(0)
	const callers = 32
	began := time.Now()
	end := began.Add(r.For(10 * time.Second))
	var made atomic.Int64
	var all sync.WaitGroup
	failures := make(chan error, callers)
	for range callers {
		all.Go(func() {
			for time.Now().Before(end) {
				if err := next(ctx, int(made.Add(1))); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	all.Wait()
	select {
	case err := <-failures:
		return harness.Result{}, fmt.Errorf("%s: %w", name, err)
	default:
	}
	n := float64(made.Load())
	return harness.Result{
		Name: name, Value: n / time.Since(began).Seconds(), Unit: "/s",
		Note: fmt.Sprintf("%.0f codes stored, %d collisions, %.4f round trips a code", n, s.collisions.Load(), float64(s.trips.Load())/n),
	}, nil
}
