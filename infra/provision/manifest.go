package provision

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// A manifest lists the jars of one source, or its program, as they were when they had been
// fetched and checked.
type manifest struct {
	Files []entry `json:"files"`
}

type entry struct {
	Name   string    `json:"name"`
	Size   int64     `json:"size"`
	Time   time.Time `json:"time"` // modification time, which spares the hashing
	SHA256 string    `json:"sha256"`
}

const (
	manifestName = "manifest.json"
	libName      = "lib"
)

// nativeLibrary is what some servers have beside their jars.
var nativeLibrary = regexp.MustCompile(`\.(so|dylib|dll)$`)

// seal checks that every file in dir/lib is whole, as far as whole can tell, and
// writes the manifest.
func seal(dir string, whole func(path string) error) error {
	found, err := os.ReadDir(filepath.Join(dir, libName))
	if err != nil {
		return fmt.Errorf("seal %s: %w", dir, err)
	}
	if len(found) == 0 {
		return fmt.Errorf("seal %s: nothing was fetched", dir)
	}
	var m manifest
	for _, f := range found {
		path := filepath.Join(dir, libName, f.Name())
		if err := whole(path); err != nil {
			return err
		}
		e, err := describe(path)
		if err != nil {
			return err
		}
		if e.SHA256, err = hash(path); err != nil {
			return err
		}
		m.Files = append(m.Files, e)
	}
	return m.write(dir)
}

// isJar checks that a file is a jar that can be opened, or a native library.
func isJar(path string) error {
	if nativeLibrary.MatchString(path) {
		return nil
	}
	jar, err := zip.OpenReader(path)
	if err != nil {
		return fmt.Errorf("open the fetched %s: %w (if it stays so, remove the file of that name below ~/.m2/repository)", filepath.Base(path), err)
	}
	return jar.Close()
}

func (m manifest) write(dir string) error {
	text, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return fmt.Errorf("write the manifest of %s: %w", dir, err)
	}
	name := filepath.Join(dir, manifestName)
	if err := os.WriteFile(name+".new", text, 0o644); err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	return os.Rename(name+".new", name)
}

// verify compares dir/lib with its manifest. Sizes and times are looked at
// always; a file whose time differs is hashed. So a file that rots without its
// size or time changing is not noticed here, but one that was truncated,
// overwritten, removed or added is.
func verify(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return fmt.Errorf("verify %s: read its manifest: %w", dir, err)
	}
	found, err := os.ReadDir(filepath.Join(dir, libName))
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if len(found) != len(m.Files) || len(found) == 0 {
		return fmt.Errorf("verify %s: %d files where the manifest lists %d", dir, len(found), len(m.Files))
	}
	touched := false
	for i, want := range m.Files {
		path := filepath.Join(dir, libName, want.Name)
		is, err := describe(path)
		if err != nil {
			return fmt.Errorf("verify: %w", err)
		}
		if is.Size != want.Size {
			return fmt.Errorf("verify %s: %d bytes where the manifest says %d", path, is.Size, want.Size)
		}
		if is.Time.Equal(want.Time) {
			continue
		}
		sum, err := hash(path)
		if err != nil {
			return fmt.Errorf("verify: %w", err)
		}
		if sum != want.SHA256 {
			return fmt.Errorf("verify %s: its content is not what was fetched", path)
		}
		m.Files[i].Time, touched = is.Time, true
	}
	if touched {
		// Only spares the hashing next time: a cache that can't be written to
		// is as good as it was.
		_ = m.write(dir)
	}
	return nil
}

func describe(path string) (entry, error) {
	info, err := os.Stat(path)
	if err != nil {
		return entry{}, err
	}
	return entry{Name: filepath.Base(path), Size: info.Size(), Time: info.ModTime().UTC()}, nil
}

func hash(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("hash %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
