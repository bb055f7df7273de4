// Package spool is a queue of records on disk: appended at one end, taken from
// the other, in order, and still there after the process was killed.
//
// A record is safe once Append has returned: it is synced. Records that were
// peeked at but not dropped come again, also after a restart, and so do some
// that were dropped: whole segments are removed, not single records. Whoever
// reads must be able to take a record twice.
//
// A Spool belongs to one process and one goroutine; its figures may be read by
// any.
package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// ErrFull is returned when the spool has reached its size.
var ErrFull = errors.New("the spool is full")

// Limits bound a spool on disk.
type Limits struct {
	// Bytes is how much all segments may hold together.
	Bytes int64
	// Segment is the size from which on a new segment is begun, and so about
	// how much can come a second time after a restart.
	Segment int64
}

// A Spool is the queue. Open makes one.
type Spool struct {
	dir    string
	limits Limits

	segments []*segment // oldest first; the last one is written
	file     *os.File   // the last segment, open for writing; nil until needed
	broken   bool       // the last segment's end is unknown: begin another

	bytes   atomic.Int64
	records atomic.Int64
	cut     int64
}

// A segment is one file and how far it is read.
type segment struct {
	number  int64
	size    int64 // bytes of whole records
	records int64 // not dropped yet
	read    int64 // where the first record that isn't dropped begins
}

// Open opens the spool in dir, making the folder where it is missing. A record
// that a kill cut short at the end of a segment is cut off: it was never
// acknowledged.
func Open(dir string, limits Limits) (*Spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the spool folder: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open the spool: %w", err)
	}
	s := &Spool{dir: dir, limits: limits}
	for _, entry := range entries {
		name, ours := strings.CutSuffix(entry.Name(), suffix)
		number, err := strconv.ParseInt(name, 10, 64)
		if !ours || err != nil {
			continue
		}
		seg := &segment{number: number}
		if err := s.recover(seg); err != nil {
			return nil, err
		}
		s.segments = append(s.segments, seg)
		s.bytes.Add(seg.size)
		s.records.Add(seg.records)
	}
	slices.SortFunc(s.segments, func(a, b *segment) int { return int(a.number - b.number) })
	s.broken = true // never write behind what another process has written
	return s, s.removeEmpty()
}

const suffix = ".spool"

func (s *Spool) path(seg *segment) string {
	return filepath.Join(s.dir, fmt.Sprintf("%012d%s", seg.number, suffix))
}

// recover counts the whole records of a segment and cuts off what follows.
func (s *Spool) recover(seg *segment) error {
	file, err := os.OpenFile(s.path(seg), os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("open a spool segment: %w", err)
	}
	defer file.Close()
	frames := newReader(file)
	for {
		record, err := frames.next()
		if err == nil {
			seg.size += frameSize(record)
			seg.records++
			continue
		}
		if !errors.Is(err, io.EOF) && !errors.Is(err, errTorn) {
			return fmt.Errorf("read the spool segment %s: %w", s.path(seg), err)
		}
		break
	}
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("read the spool segment %s: %w", s.path(seg), err)
	}
	if info.Size() > seg.size {
		s.cut += info.Size() - seg.size
		if err := file.Truncate(seg.size); err != nil {
			return fmt.Errorf("cut the torn end off %s: %w", s.path(seg), err)
		}
	}
	return nil
}

// Append writes the records behind all others and syncs them. On an error none
// of them is in the spool; ErrFull says that they don't fit.
func (s *Spool) Append(records ...[]byte) error {
	var frames []byte
	for _, record := range records {
		frames = appendFrame(frames, record)
	}
	if s.bytes.Load()+int64(len(frames)) > s.limits.Bytes {
		return ErrFull
	}
	if err := s.rotate(); err != nil {
		return err
	}
	last := s.segments[len(s.segments)-1]
	_, err := s.file.WriteAt(frames, last.size)
	if err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		// What of it has reached the disk is unknown. It is cut off, and if
		// that fails too, by the next Open; meanwhile last.size hides it.
		s.broken = true
		return fmt.Errorf("write %d records to the spool: %w", len(records), errors.Join(err, s.file.Truncate(last.size)))
	}
	last.size += int64(len(frames))
	last.records += int64(len(records))
	s.bytes.Add(int64(len(frames)))
	s.records.Add(int64(len(records)))
	return nil
}

// rotate begins a new segment where the last one can't take more.
func (s *Spool) rotate() error {
	if n := len(s.segments); n > 0 && !s.broken && s.segments[n-1].size < s.limits.Segment {
		return nil
	}
	next := &segment{number: 1}
	if n := len(s.segments); n > 0 {
		next.number = s.segments[n-1].number + 1
	}
	file, err := os.OpenFile(s.path(next), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("begin a spool segment: %w", err)
	}
	if err := syncDir(s.dir); err != nil {
		return errors.Join(err, file.Close())
	}
	var closed error
	if s.file != nil {
		closed = s.file.Close()
	}
	s.file, s.broken = file, false
	s.segments = append(s.segments, next)
	return closed
}

// Peek returns the oldest records, at most max and all of one segment. It
// returns none only when the spool is empty.
func (s *Spool) Peek(max int) ([][]byte, error) {
	if err := s.removeEmpty(); err != nil {
		return nil, err
	}
	if s.records.Load() == 0 {
		return nil, nil
	}
	first := s.segments[0]
	file, err := os.Open(s.path(first))
	if err != nil {
		return nil, fmt.Errorf("read the spool: %w", err)
	}
	defer file.Close()
	frames := newReader(io.NewSectionReader(file, first.read, first.size-first.read))
	var records [][]byte
	for len(records) < max && int64(len(records)) < first.records {
		record, err := frames.next()
		if err != nil {
			return nil, fmt.Errorf("read the spool segment %s behind byte %d: %w", s.path(first), first.read, err)
		}
		records = append(records, record)
	}
	return records, nil
}

// Drop removes the oldest records, which must be those of the last Peek or the
// first of them.
func (s *Spool) Drop(records [][]byte) error {
	if len(records) == 0 {
		return nil
	}
	first := s.segments[0]
	var bytes int64
	for _, record := range records {
		bytes += frameSize(record)
	}
	first.read += bytes
	first.records -= int64(len(records))
	s.records.Add(-int64(len(records)))
	return s.removeEmpty()
}

// Skip drops the whole of the oldest segment and returns how many records that
// were. It is for a segment that can't be read any more.
func (s *Spool) Skip() (int64, error) {
	if len(s.segments) == 0 {
		return 0, nil
	}
	lost := s.segments[0].records
	s.segments[0].records = 0
	s.records.Add(-lost)
	return lost, s.removeEmpty()
}

// removeEmpty deletes segments of which every record was dropped.
func (s *Spool) removeEmpty() error {
	for len(s.segments) > 0 && s.segments[0].records == 0 {
		first := s.segments[0]
		if len(s.segments) == 1 && s.file != nil {
			if first.size < s.limits.Segment && !s.broken && first.read < s.limits.Segment/2 {
				return nil // still being written, and not worth a new file yet
			}
			if err := s.file.Close(); err != nil {
				return fmt.Errorf("close the spool segment %s: %w", s.path(first), err)
			}
			s.file, s.broken = nil, true
		}
		if err := os.Remove(s.path(first)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove a spool segment that was replayed: %w", err)
		}
		s.bytes.Add(-first.size)
		s.segments = s.segments[1:]
	}
	return nil
}

// Len is how many records are in the spool, and Bytes what its segments take.
func (s *Spool) Len() int64   { return s.records.Load() }
func (s *Spool) Bytes() int64 { return s.bytes.Load() }

// Cut is how many bytes of torn records Open has cut off.
func (s *Spool) Cut() int64 { return s.cut }

// Close closes the files. All records stay.
func (s *Spool) Close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file, s.broken = nil, true
	if err != nil {
		return fmt.Errorf("close the spool: %w", err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync the spool folder: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync the spool folder %s: %w", dir, err)
	}
	return nil
}
