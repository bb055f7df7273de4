package cql

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/gocql/gocql"

	"designkits/shared/testenv"
)

// Whatever is to be written: it is written once, and no batch is above the
// limits.
func TestBatchesAreWithinTheLimits(t *testing.T) {
	for range 200 {
		writes := make([]Write, rand.IntN(60))
		for i := range writes {
			value := make([]byte, rand.IntN(2<<10))
			if rand.IntN(10) == 0 {
				value = make([]byte, 64<<10)
			}
			writes[i] = Write{Partition: fmt.Sprint(rand.IntN(25)), Values: []any{i, value}}
		}
		written := map[any]bool{}
		for _, batch := range pack(writes) {
			bytes, partitions := 0, map[string]bool{}
			for _, w := range batch {
				if written[w.Values[0]] {
					t.Fatalf("write %v is in two batches", w.Values[0])
				}
				written[w.Values[0]] = true
				bytes += w.size()
				partitions[w.Partition] = true
			}
			if len(batch) == 0 || len(batch) > 1 && bytes > maxBatchBytes || len(partitions) > maxBatchPartitions {
				t.Fatalf("a batch of %d writes has %d bytes for %d partitions", len(batch), bytes, len(partitions))
			}
		}
		if len(written) != len(writes) {
			t.Fatalf("%d of %d writes are in batches", len(written), len(writes))
		}
	}
}

func TestWritesOfAPartitionGoTogether(t *testing.T) {
	var writes []Write
	for i := range 20 {
		writes = append(writes, Write{Partition: fmt.Sprint(i % 2), Values: []any{make([]byte, 80)}})
	}
	if batches := pack(writes); len(batches) != 1 {
		t.Errorf("twenty small writes to two partitions made %d batches", len(batches))
	}
}

const schema = `CREATE TABLE IF NOT EXISTS things (
	place text, number bigint, name text, content blob, others frozen<list<text>>, parts frozen<map<text, blob>>, at timestamp, done boolean,
	PRIMARY KEY (place, number)
);`

// A name is a string as the cases have them, of a type of its own.
type name string

// randomWrites are writes with values of up to so many bytes, to nearly as many partitions.
func randomWrites(n, bytes int) (writes []Write) {
	text := func() string { return strings.Repeat("x", rand.IntN(bytes+1)) }
	for number := range n {
		place, content := fmt.Sprintf("place %d %s", rand.IntN(4*n), text()), any(gocql.UnsetValue)
		if rand.IntN(2) == 0 {
			content = []byte(text())
		}
		var others []name
		parts := map[string][]byte{}
		for i := range rand.IntN(4) {
			others = append(others, name(text()))
			parts[fmt.Sprint(i)] = []byte(text())
		}
		writes = append(writes, Write{
			Partition: place,
			Statement: `INSERT INTO things (place, number, name, content, others, parts, at, done) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			Values:    []any{place, int64(number), text(), content, others, parts, time.Now(), true},
		})
	}
	return writes
}

func openThings(t *testing.T) *gocql.Session {
	session, err := Open(t.Context(), Config{Hosts: []string{testenv.Addr(t, "cassandra")}, Keyspace: testenv.Namespace(t), Schema: schema}.WithDefaults())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(session.Close)
	return session
}

// Cassandra tells whoever sends a batch that is too large, and writes it into its log.
// Of those that are made here it says nothing, whatever is in them.
func TestCassandraWarnsOfNoBatch(t *testing.T) {
	session := openThings(t)
	warnings := func(batch []Write) []string {
		statements, values := []string{"BEGIN UNLOGGED BATCH"}, []any{}
		for _, w := range batch {
			statements, values = append(statements, w.Statement+";"), append(values, w.Values...)
		}
		rows := session.Query(strings.Join(append(statements, "APPLY BATCH"), " "), values...).WithContext(t.Context()).Iter()
		said := rows.Warnings()
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		return said
	}
	for _, bytes := range []int{0, 10, 100, 500} {
		writes := randomWrites(24, bytes)
		for _, batch := range pack(writes) {
			if said := warnings(batch); len(batch) > 1 && len(said) > 0 {
				t.Errorf("of %d writes with values of %d bytes: %s", len(batch), bytes, said)
			}
		}
		if said := warnings(writes); len(said) == 0 {
			t.Errorf("of %d writes with values of %d bytes it says nothing: then nothing says anything here", len(writes), bytes)
		}
	}
}

// Together they are more than Cassandra takes in a batch.
func TestManyLargeWritesAreAllStored(t *testing.T) {
	session := openThings(t)
	var writes []Write
	for number := range 20 {
		w := randomWrites(1, 0)[0]
		w.Partition, w.Values[0], w.Values[1], w.Values[3] = "one", "one", int64(number), make([]byte, 8<<10)
		writes = append(writes, w)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := WriteAll(ctx, session, writes); err != nil {
		t.Fatal(err)
	}
	stored := 0
	if err := session.Query(`SELECT COUNT(*) FROM things WHERE place = 'one'`).WithContext(ctx).Scan(&stored); err != nil || stored != len(writes) {
		t.Errorf("%d of %d are stored: %v", stored, len(writes), err)
	}
}
