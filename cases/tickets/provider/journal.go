package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// keepAnswers is how long the answer to a key is kept at least: older ones go
// when the process starts.
const keepAnswers = 24 * time.Hour

// A journal is the ledger on disk: a line of JSON for each entry, appended.
type journal struct{ file *os.File }

// openJournal reads a journal, or begins one, and writes it anew without what
// is over.
func openJournal(path string, now time.Time) (*journal, *ledger, error) {
	l, err := readJournal(path)
	if err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, nil, fmt.Errorf("make the journal's folder: %w", err)
	}
	fresh := path + ".new"
	file, err := os.OpenFile(fresh, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("begin a journal: %w", err)
	}
	j := &journal{file}
	if err := errors.Join(j.append(l.compact(now), true), os.Rename(fresh, path), syncFolder(filepath.Dir(path))); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("begin a journal: %w", err), file.Close())
	}
	return j, l, nil
}

// readJournal applies every entry. A last line without an end was cut short by a
// kill and never answered for; it is left out.
func readJournal(path string) (*ledger, error) {
	l := newLedger()
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	for number := 1; ; number++ {
		line, rest, whole := bytes.Cut(content, []byte("\n"))
		if !whole {
			return l, nil
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("read the journal %s, line %d: %w; move the file away to begin anew", path, number, err)
		}
		l.apply(e)
		content = rest
	}
}

// compact forgets answers that are too old and returns what is left as entries.
func (l *ledger) compact(now time.Time) (entries []entry) {
	for _, h := range l.payments {
		entries = append(entries, entry{Payment: &h})
	}
	for key, a := range l.answers {
		if now.Sub(a.At) > keepAnswers {
			delete(l.answers, key)
			continue
		}
		entries = append(entries, entry{Answer: &a})
	}
	for _, n := range l.notices {
		entries = append(entries, entry{Notice: &n})
	}
	return entries
}

// append writes the entries and, if asked, returns only when they are on disk.
func (j *journal) append(entries []entry, sync bool) error {
	var lines []byte
	for _, e := range entries {
		line, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("write the journal: %w", err)
		}
		lines = append(append(lines, line...), '\n')
	}
	if _, err := j.file.Write(lines); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	if !sync {
		return nil
	}
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("sync the journal: %w", err)
	}
	return nil
}

func (j *journal) close() error { return errors.Join(j.file.Sync(), j.file.Close()) }

// syncFolder makes a renaming in it last.
func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
