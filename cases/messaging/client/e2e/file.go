//go:build unix

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// File is a Store in one file that only its owner may read. Each Apply writes
// the file anew beside the old one and renames it, so that a crash leaves the
// one or the other; a lock keeps a second process out, which would use the
// same keys again.
type File struct {
	path string
	lock *os.File

	mu     sync.Mutex // one Apply at a time
	memory *Memory
}

// OpenFile opens the Store in the file, or makes an empty one that appears
// with its first Apply. The caller closes it.
func OpenFile(path string) (f *File, err error) {
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the device's state: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.Close())
		}
	}()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, fmt.Errorf("lock %s: %w: another process uses this device; end it first", path, err)
	}
	f = &File{path: path, lock: lock, memory: NewMemory()}
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		f.memory, err = Import(content)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return f, nil
}

func (f *File) Get(key string) ([]byte, error)       { return f.memory.Get(key) }
func (f *File) Keys(prefix string) ([]string, error) { return f.memory.Keys(prefix) }

func (f *File) Apply(changes map[string][]byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := NewMemory() // what is read shows the changes only once they are on the disk
	if err := next.Apply(f.memory.entries); err != nil {
		return err
	}
	if err := next.Apply(changes); err != nil {
		return err
	}
	content, err := next.Export()
	if err != nil {
		return err
	}
	if err := replace(f.path, content); err != nil {
		return fmt.Errorf("write the device's state: %w", err)
	}
	f.memory.mu.Lock()
	defer f.memory.mu.Unlock()
	f.memory.entries = next.entries
	return nil
}

// Close lets another process open it.
func (f *File) Close() error { return f.lock.Close() }

// replace puts content where path is, so that after a crash either the old or
// the new content is there, whole.
func replace(path string, content []byte) error {
	folder := filepath.Dir(path)
	next, err := os.CreateTemp(folder, filepath.Base(path)+".*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(next.Name()) // fails once it is renamed
	_, err = next.Write(content)
	if err == nil {
		err = next.Sync()
	}
	if err := errors.Join(err, next.Close()); err != nil {
		return err
	}
	if err := os.Rename(next.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close()) // the rename itself
}
