package spool

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// A record on disk is its length and its CRC-32C, each four bytes big-endian,
// and then itself.
const headerSize = 8

// maxRecord is more than any record has. A longer length is a broken header.
const maxRecord = 1 << 20

// errTorn is the end of a file in the middle of a record, or a record whose
// checksum is wrong.
var errTorn = errors.New("a record is torn or broken")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func frameSize(record []byte) int64 { return headerSize + int64(len(record)) }

func appendFrame(to, record []byte) []byte {
	to = binary.BigEndian.AppendUint32(to, uint32(len(record)))
	to = binary.BigEndian.AppendUint32(to, crc32.Checksum(record, castagnoli))
	return append(to, record...)
}

type reader struct{ r *bufio.Reader }

func newReader(r io.Reader) reader { return reader{bufio.NewReaderSize(r, 256<<10)} }

// next returns the next record, io.EOF behind the last whole one, or errTorn.
func (f reader) next() ([]byte, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(f.r, header[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errTorn
		}
		return nil, err
	}
	length := binary.BigEndian.Uint32(header[:4])
	if length == 0 || length > maxRecord {
		return nil, errTorn // zeroes are what a crash leaves of a block never written
	}
	record := make([]byte, length)
	if _, err := io.ReadFull(f.r, record); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errTorn
		}
		return nil, err
	}
	if crc32.Checksum(record, castagnoli) != binary.BigEndian.Uint32(header[4:]) {
		return nil, errTorn
	}
	return record, nil
}
