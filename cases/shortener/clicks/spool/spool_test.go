package spool

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// all peeks at and drops everything, in steps of n.
func all(t interface{ Fatal(...any) }, s *Spool, n int) [][]byte {
	var got [][]byte
	for s.Len() > 0 {
		records, err := s.Peek(n)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) == 0 {
			t.Fatal("Peek returned nothing though the spool isn't empty")
		}
		got = append(got, records...)
		if err := s.Drop(records); err != nil {
			t.Fatal(err)
		}
	}
	return got
}

func open(t interface{ Fatal(...any) }, dir string) *Spool {
	s, err := Open(dir, Limits{Bytes: 1 << 20, Segment: 200})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRecordsComeBackInOrderAfterAReopen(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	want := [][]byte{[]byte("one"), []byte("two"), []byte("three")}
	if err := s.Append(want[0], want[1]); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(want[2]); err != nil {
		t.Fatal(err)
	}
	// No Close: that is what a kill looks like.
	if got := all(t, open(t, dir), 2); !slices.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestATornTailIsCutAndTheRestIsKept(t *testing.T) {
	whole := appendFrame(appendFrame(nil, []byte("first")), []byte("second"))
	for cut := range len(whole) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "000000000001.spool"), whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir)
		want := 0
		if cut >= headerSize+len("first") {
			want = 1
		}
		if s.Len() != int64(want) {
			t.Errorf("cut at byte %d: %d records, want %d", cut, s.Len(), want)
		}
		if err := s.Append([]byte("later")); err != nil {
			t.Fatal(err)
		}
		got := all(t, open(t, dir), 10)
		if len(got) != want+1 || string(got[want]) != "later" {
			t.Errorf("cut at byte %d, then appended: got %q", cut, got)
		}
	}
}

func TestABrokenRecordEndsItsSegmentOnly(t *testing.T) {
	dir := t.TempDir()
	broken := appendFrame(nil, []byte("first"))
	broken[len(broken)-1] ^= 1
	for name, content := range map[string][]byte{"000000000001.spool": broken, "000000000002.spool": appendFrame(nil, []byte("second"))} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, dir)
	if s.Cut() != int64(len(broken)) {
		t.Errorf("cut %d bytes, want %d", s.Cut(), len(broken))
	}
	if got := all(t, s, 10); len(got) != 1 || string(got[0]) != "second" {
		t.Errorf("got %q", got)
	}
}

func TestAFullSpoolSaysSoAndTakesMoreOnceDrained(t *testing.T) {
	s, err := Open(t.TempDir(), Limits{Bytes: 100, Segment: 50})
	if err != nil {
		t.Fatal(err)
	}
	record := make([]byte, 30)
	record[0] = 1
	appended := 0
	for ; appended < 10; appended++ {
		if err = s.Append(record); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrFull) || appended != 2 {
		t.Fatalf("%d appended, then %v; want 2, then %v", appended, err, ErrFull)
	}
	if got := all(t, s, 10); len(got) != 2 {
		t.Fatalf("%d records came back, want 2", len(got))
	}
	if err := s.Append(record); err != nil {
		t.Error(err)
	}
}

// The model is a slice. A crash drops the Spool without Close and may tear the
// last segment; what was acknowledged must all be there, in order, from some
// record on that is not behind the first one that wasn't dropped.
func TestSpoolKeepsItsPromiseThroughCrashes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "spool")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		s := open(t, dir)
		var model [][]byte // acknowledged, in order
		first := 0         // of those, how many were dropped
		next := byte(0)
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				var records [][]byte
				for range rapid.IntRange(1, 5).Draw(t, "records") {
					next++
					records = append(records, append(bytes.Repeat([]byte{next}, rapid.IntRange(1, 60).Draw(t, "length")), byte(len(model)), byte(len(records))))
				}
				if err := s.Append(records...); err != nil {
					t.Fatal(err)
				}
				model = append(model, records...)
			},
			"replay": func(t *rapid.T) {
				records, err := s.Peek(rapid.IntRange(1, 7).Draw(t, "most"))
				if err != nil {
					t.Fatal(err)
				}
				if len(records) == 0 && first < len(model) {
					t.Fatal("nothing to peek at, though not all was dropped")
				}
				for i, record := range records {
					if !bytes.Equal(record, model[first+i]) {
						t.Fatalf("record %d is %v, want %v", first+i, record, model[first+i])
					}
				}
				if rapid.Bool().Draw(t, "acknowledged") {
					if err := s.Drop(records); err != nil {
						t.Fatal(err)
					}
					first += len(records)
				}
			},
			"crash": func(t *rapid.T) {
				if files, _ := filepath.Glob(filepath.Join(dir, "*.spool")); len(files) > 0 && rapid.Bool().Draw(t, "torn") {
					file, err := os.OpenFile(files[len(files)-1], os.O_APPEND|os.O_WRONLY, 0)
					if err != nil {
						t.Fatal(err)
					}
					frame := appendFrame(nil, []byte("never acknowledged"))
					_, err = file.Write(frame[:rapid.IntRange(0, len(frame)-1).Draw(t, "written")])
					if err := errors.Join(err, file.Close()); err != nil {
						t.Fatal(err)
					}
				}
				if s.file != nil {
					_ = s.file.Close() // the kernel does so for a killed process
				}
				s = open(t, dir)
				again := len(model) - int(s.Len())
				if again > first || again < 0 {
					t.Fatalf("after the crash it begins with record %d, want %d or one before", again, first)
				}
				first = again
			},
			"": func(t *rapid.T) {
				if s.Len() != int64(len(model)-first) {
					t.Fatalf("%d records, want %d", s.Len(), len(model)-first)
				}
			},
		})
		if got := all(t, s, 3); !slices.EqualFunc(got, model[first:], bytes.Equal) {
			t.Fatalf("drained %d records, want %d", len(got), len(model)-first)
		}
	})
}
