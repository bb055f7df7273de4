package provision

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"path"
	"path/filepath"
)

// A Go is a server written in Go whose makers publish no program that could be
// fetched: it is built here, by `go install` of a pinned version, which Go's
// checksum database vouches for. The program links no C library.
type Go struct {
	Name    string // the backend's: "s3"
	Package string // of its main: "github.com/versity/versitygw/cmd/versitygw"
	Version string // of its module: "v1.8.0"
	Bytes   int64  // about how much source is downloaded
}

// Dir is the source's folder in the cache.
func (g Go) Dir(cache string) string { return filepath.Join(cache, g.Name+"-"+g.Version) }

// Program is the path of the program in the cache.
func (g Go) Program(cache string) string {
	return filepath.Join(g.Dir(cache), libName, path.Base(g.Package))
}

// Verify says what is wrong with the program in the cache: nil when it is there
// as it was built.
func (g Go) Verify(cache string) error { return verify(g.Dir(cache)) }

// Describe implements Source.
func (g Go) Describe(_ context.Context, cache string) (what string, bytes int64, installed bool) {
	what = fmt.Sprintf("%s %s (go install)", path.Base(g.Package), g.Version)
	if g.Verify(cache) == nil {
		return what, 0, true
	}
	return what + ", and some minutes to build it", g.Bytes, false
}

// isBuiltFrom checks that a file is a program of that package and version.
func (g Go) isBuiltFrom(file string) error {
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the program that was built: %w", err)
	}
	if info.Path != g.Package || info.Main.Version != g.Version {
		return fmt.Errorf("the program is of %s %s, not of %s %s", info.Path, info.Main.Version, g.Package, g.Version)
	}
	return nil
}
