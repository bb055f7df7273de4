package kafka

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A producer is who a batch says that it is from. For each id a partition takes
// epochs that grow, and within an epoch records numbered from 0 without a gap.
type producer struct {
	id    int64
	epoch int16
}

// nobody is what a batch says that anybody may append.
var nobody = producer{-1, -1}

// An entry is a record of a batch.
type entry struct{ key, value []byte }

// size is at most what the entry takes in a batch.
func (e entry) size() int { return len(e.key) + len(e.value) + 32 }

// maxBatch is the size of a batch's entries; Kafka takes a megabyte with its head.
const maxBatch = maxRecord - 1<<10

// Where the fields stand in a batch that are calculated from what follows them.
const (
	lengthAt, afterLength = 8, 12
	sumAt, afterSum       = 17, 21
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encode writes a batch as it goes over the wire: not as part of a transaction, so
// that it counts as soon as it is there. Its time is when it is appended, and not
// that of its messages: Kafka forgets producers, and records, by it.
func encode(entries []entry, by producer, first int32, now time.Time) []byte {
	var records []byte
	for i, e := range entries {
		r := kmsg.Record{OffsetDelta: int32(i), Key: e.key, Value: e.value}
		body := r.AppendTo(nil)[1:] // behind the length, which is 0 in one byte
		records = append(binary.AppendVarint(records, int64(len(body))), body...)
	}
	b := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, LastOffsetDelta: int32(len(entries) - 1),
		FirstTimestamp: now.UnixMilli(), MaxTimestamp: now.UnixMilli(),
		ProducerID: by.id, ProducerEpoch: by.epoch, FirstSequence: first,
		NumRecords: int32(len(entries)), Records: records,
	}
	if by == nobody {
		b.FirstSequence = -1
	}
	wire := b.AppendTo(nil)
	binary.BigEndian.PutUint32(wire[lengthAt:], uint32(len(wire)-afterLength))
	binary.BigEndian.PutUint32(wire[sumAt:], crc32.Checksum(wire[afterSum:], castagnoli))
	return wire
}

// following is the number of the record behind n others: after the largest comes 0.
func following(first int32, n int) int32 {
	return int32((int64(first) + int64(n)) & math.MaxInt32)
}
