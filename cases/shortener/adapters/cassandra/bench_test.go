package cassandra

import (
	"fmt"
	"testing"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/clicks"
	"designkits/cases/shortener/codes"
	"designkits/shared/testenv"
)

func benchDB(b *testing.B) *DB {
	b.Helper()
	db, err := Open(b.Context(), Config{Hosts: []string{testenv.Addr(b, "cassandra")}, Keyspace: testenv.Namespace(b), Timeout: 10 * time.Second})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(db.Close)
	return db
}

// A code, its share of the leases included.
func BenchmarkNextCode(b *testing.B) {
	generator, err := codes.NewGenerator(b.Context(), []byte(leaserKey), benchDB(b).Ranges(), codes.RangeSize)
	if err != nil {
		b.Fatal(err)
	}
	defer generator.Close()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := generator.Next(b.Context()); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkPutAndGet(b *testing.B) {
	permutation, err := codes.NewPermutation([]byte(leaserKey))
	if err != nil {
		b.Fatal(err)
	}
	links := benchDB(b).Links(permutation)
	generator, err := codes.NewGenerator(b.Context(), []byte(leaserKey), links.db.Ranges(), codes.RangeSize)
	if err != nil {
		b.Fatal(err)
	}
	defer generator.Close()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			code, err := generator.Next(b.Context())
			if err != nil {
				b.Error(err)
				return
			}
			l := testLink(shortener.Code(code))
			l.Owner = "bench"
			if err := links.Put(b.Context(), l); err != nil {
				b.Error(err)
				return
			}
			if _, err := links.Get(b.Context(), l.Code); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// Batches of 1,000 increments of 20 codes, as a minute's window sends them.
func BenchmarkApply(b *testing.B) {
	stats := benchDB(b).Stats()
	minute := time.Now().UTC().Truncate(time.Minute)
	batch := make([]clicks.Positioned, 1000)
	offset := int64(0)
	for b.Loop() {
		minute = minute.Add(time.Minute)
		for i := range batch {
			batch[i] = clicks.Positioned{
				Increment: clicks.Increment{Code: shortener.Code(fmt.Sprintf("bench%02d", i%20)), Minute: minute,
					Dimension: clicks.Referrer, Value: fmt.Sprintf("host%d.example", i/20), Counts: clicks.Counts{Clicks: 1}},
				Position: clicks.Position{Source: "bench/0", Offset: offset},
			}
			offset++
		}
		if err := stats.Apply(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(batch))/b.Elapsed().Seconds(), "increments/s")
}
