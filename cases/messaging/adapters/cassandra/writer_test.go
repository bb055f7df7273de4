package cassandra

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// Whatever is to be written: it is written once, and no batch is above the
// limits.
func TestBatchesAreWithinTheLimits(t *testing.T) {
	for range 200 {
		writes := make([]write, 1+rand.IntN(60))
		for i := range writes {
			writes[i] = write{partition: fmt.Sprint(rand.IntN(25)), bytes: rand.IntN(2 << 10), values: []any{i}}
			if rand.IntN(10) == 0 {
				writes[i].bytes = 64 << 10
			}
		}
		written := map[any]bool{}
		for _, batch := range pack(writes) {
			bytes, partitions := 0, map[string]bool{}
			for _, w := range batch {
				if written[w.values[0]] {
					t.Fatalf("write %v is in two batches", w.values[0])
				}
				written[w.values[0]] = true
				bytes += w.bytes
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
		writes = append(writes, write{partition: fmt.Sprint(i % 2), bytes: 100})
	}
	if batches := pack(writes); len(batches) != 1 {
		t.Errorf("twenty small writes to two partitions made %d batches", len(batches))
	}
}
