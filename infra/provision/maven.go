package provision

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
)

// A Maven is a JVM server whose jars come from Maven by a POM that pins its
// direct dependencies. Its folder in the cache is named for the POM's content,
// so a changed POM is a new folder and an old checkout keeps its own.
type Maven struct {
	Name    string // the backend's: "cassandra"
	Version string // for people and for the folder's name
	POM     []byte // a whole pom.xml, of packaging pom
	Bytes   int64  // about how much is downloaded
}

// Dir is the source's folder in the cache.
func (m Maven) Dir(cache string) string {
	sum := sha256.Sum256(m.POM)
	return filepath.Join(cache, m.Name+"-"+m.Version+"-"+hex.EncodeToString(sum[:4]))
}

// Lib is the folder of its jars, and nothing but jars.
func (m Maven) Lib(cache string) string { return filepath.Join(m.Dir(cache), "lib") }

// Verify says what is wrong with the jars in the cache: nil when all that the
// manifest lists are there as they were fetched, and nothing else.
func (m Maven) Verify(cache string) error { return verify(m.Dir(cache)) }

// Describe implements Source.
func (m Maven) Describe(_ context.Context, cache string) (what string, bytes int64, installed bool) {
	what = fmt.Sprintf("%s %s (Maven)", m.Name, m.Version)
	if m.Verify(cache) == nil {
		return what, 0, true
	}
	return what, m.Bytes, false
}
