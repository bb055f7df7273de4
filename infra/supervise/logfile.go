package supervise

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// tailLines is how much of its log the report of a death carries.
const tailLines = 20

// LogPath is where the named process writes its output below the state folder.
func LogPath(state, name string) string {
	return filepath.Join(state, "logs", strings.ReplaceAll(name, "/", "-")+".log")
}

// openLog begins a new log and keeps the one of the run before as .log.1.
func openLog(state, name string) (*os.File, error) {
	path := LogPath(state, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("log of %s: %w", name, err)
	}
	if err := os.Rename(path, path+".1"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("log of %s: keep the one before: %w", name, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("log of %s: %w", name, err)
	}
	return f, nil
}

// lastLines returns the end of a file, at most n lines of at most 64 KB.
func lastLines(path string, n int) []string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	const limit = 64 << 10
	if size, err := f.Seek(0, io.SeekEnd); err != nil || size > limit {
		_, _ = f.Seek(-limit, io.SeekEnd)
	} else {
		_, _ = f.Seek(0, io.SeekStart)
	}
	raw, _ := io.ReadAll(io.LimitReader(f, limit))
	raw = bytes.TrimRight(raw, "\n")
	if len(raw) == 0 {
		return nil
	}
	lines := strings.Split(string(raw), "\n")
	return lines[max(0, len(lines)-n):]
}
