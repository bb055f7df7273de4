package cassandra

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"designkits/cases/messaging"
)

// Whatever is to be written: it is written once, and no batch is above the
// limits.
func TestBatchesAreWithinTheLimits(t *testing.T) {
	for range 200 {
		writes := make([]write, 1+rand.IntN(60))
		for i := range writes {
			value := make([]byte, rand.IntN(2<<10))
			if rand.IntN(10) == 0 {
				value = make([]byte, 64<<10)
			}
			writes[i] = write{partition: fmt.Sprint(rand.IntN(25)), values: []any{i, value}}
		}
		written := map[any]bool{}
		for _, batch := range pack(writes) {
			bytes, partitions := 0, map[string]bool{}
			for _, w := range batch {
				if written[w.values[0]] {
					t.Fatalf("write %v is in two batches", w.values[0])
				}
				written[w.values[0]] = true
				bytes += w.size()
				partitions[w.partition] = true
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
	var writes []write
	for i := range 20 {
		writes = append(writes, write{partition: fmt.Sprint(i % 2), values: []any{make([]byte, 80)}})
	}
	if batches := pack(writes); len(batches) != 1 {
		t.Errorf("twenty small writes to two partitions made %d batches", len(batches))
	}
}

// Cassandra tells whoever sends a batch that is too large, and writes it into its log.
// Of those that are made here it says nothing, whatever messages are in them.
func TestCassandraWarnsOfNoBatch(t *testing.T) {
	db := openDB(t)
	warnings := func(batch []write) []string {
		statements, values := []string{"BEGIN UNLOGGED BATCH"}, []any{}
		for _, w := range batch {
			statements, values = append(statements, w.statement+";"), append(values, w.values...)
		}
		rows := db.session.Query(strings.Join(append(statements, "APPLY BATCH"), " "), values...).WithContext(t.Context()).Iter()
		said := rows.Warnings()
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		return said
	}
	receiver := messaging.Address{User: messaging.NewUserID(), Device: 1}
	for _, bytes := range []int{0, 30, 300, 1000} {
		var writes []write
		for range 12 {
			m := talk(1, messaging.Body{Shared: make([]byte, rand.IntN(bytes+1)), To: map[messaging.Address][]byte{receiver: make([]byte, bytes)}})[0]
			m.At, m.Title = time.Now().UTC(), strings.Repeat("t", rand.IntN(bytes+1))
			for range rand.IntN(4) {
				m.Users = append(m.Users, messaging.NewUserID())
			}
			writes = append(writes, putOf(m, bucket{m.Conversation, m.Seq.Bucket()}), itemOf(messaging.Item{Device: receiver, Message: m}, deviceDay{receiver, dayOf(m.At)}),
				mark(messaging.Receipt{Conversation: m.Conversation, Device: receiver}, "delivered", m.Seq))
		}
		tooMuch := slices.Clone(writes[:15])
		for _, batch := range pack(writes) {
			if said := warnings(batch); len(batch) > 1 && len(said) > 0 {
				t.Errorf("of %d writes with bodies of %d bytes: %s", len(batch), bytes, said)
			}
		}
		if said := warnings(tooMuch); len(said) == 0 {
			t.Errorf("of %d writes with bodies of %d bytes it says nothing: then nothing says anything here", len(tooMuch), bytes)
		}
	}
}
