package flink

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A checkpoint is a completed one on disk.
type checkpoint struct {
	job  string // the id of the job that made it
	path string // .../<job>/chk-<number>
	at   time.Time
}

// newestCheckpoint returns the newest completed checkpoint of any job below
// dir, or false when there is none. A checkpoint is complete once its _metadata
// is there: Flink writes that under another name and renames it.
//
// It must be the very newest: increments up to it were committed to Kafka, and
// a job that is restored from an older one would commit them again.
func newestCheckpoint(dir string) (checkpoint, bool, error) {
	found, err := filepath.Glob(filepath.Join(dir, "*", "chk-*", "_metadata"))
	if err != nil {
		return checkpoint{}, false, fmt.Errorf("look for checkpoints below %s: %w", dir, err)
	}
	var newest checkpoint
	newestNumber := int64(-1)
	for _, metadata := range found {
		info, err := os.Stat(metadata)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the job has just replaced it by a newer one
		}
		if err != nil {
			return checkpoint{}, false, fmt.Errorf("look at the checkpoint %s: %w", metadata, err)
		}
		path := filepath.Dir(metadata)
		number, err := strconv.ParseInt(strings.TrimPrefix(filepath.Base(path), "chk-"), 10, 64)
		if err != nil {
			continue
		}
		// Numbers go on after a restore, so of two jobs in a row the later one
		// has the higher; time decides between jobs that began anew.
		c := checkpoint{filepath.Base(filepath.Dir(path)), path, info.ModTime()}
		if c.at.After(newest.at) || c.at.Equal(newest.at) && number > newestNumber {
			newest, newestNumber = c, number
		}
	}
	return newest, newestNumber >= 0, nil
}

// dropOthers removes the checkpoints of all jobs but one, which has completed
// a checkpoint of its own and needs theirs no longer.
func dropOthers(dir, job string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look for old checkpoints: %w", err)
	}
	var failed error
	for _, entry := range entries {
		if entry.IsDir() && entry.Name() != job {
			failed = errors.Join(failed, os.RemoveAll(filepath.Join(dir, entry.Name())))
		}
	}
	return failed
}
