package study

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A tree is the checkout as far as the page shows it: the files at its top and
// those below its source folders. Nothing whose name begins with a dot is
// shown (.git, .kit with its secrets), and no link leads out.
type tree struct {
	dir  string
	root *os.Root
}

// folders are the source folders.
var folders = []string{"cases", "shared", "infra"}

// maxFile is the size of the largest file that is shown.
const maxFile = 1 << 20

func openTree(dir string) (*tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the checkout: %w", err)
	}
	return &tree{dir: dir, root: root}, nil
}

// allowed returns an error when a path isn't one that the page shows.
func allowed(name string) error {
	parts := strings.Split(name, "/")
	ok := fs.ValidPath(name) && filepath.IsLocal(filepath.FromSlash(name)) &&
		!slices.ContainsFunc(parts, func(p string) bool { return strings.HasPrefix(p, ".") })
	if ok && (len(parts) == 1 || slices.Contains(folders, parts[0])) {
		return nil
	}
	return refusef(http.StatusForbidden, "%q is not shown here: only the checkout's source files are", name)
}

func (t *tree) read(name string) ([]byte, error) {
	if err := allowed(name); err != nil {
		return nil, err
	}
	info, err := t.root.Stat(name)
	if err != nil {
		return nil, t.unreadable(name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, refusef(http.StatusNotFound, "%s is not a file", name)
	}
	if info.Size() > maxFile {
		return nil, refusef(http.StatusRequestEntityTooLarge, "%s has %d kB, which is too much to show; open it in your editor", name, info.Size()>>10)
	}
	text, err := t.root.ReadFile(name)
	if err != nil {
		return nil, t.unreadable(name, err)
	}
	return text, nil
}

func (t *tree) unreadable(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return refusal{http.StatusNotFound, fmt.Errorf("there is no %s in this checkout: %w", name, fs.ErrNotExist)}
	}
	// A link that leads out of the checkout, too.
	return refusef(http.StatusForbidden, "%s can't be read: %v", name, err)
}

// list returns the names in a folder, folders with a "/" behind them.
func (t *tree) list(name string) ([]string, error) {
	entries, err := fs.ReadDir(t.root.FS(), name)
	if err != nil {
		return nil, t.unreadable(name, err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if e.IsDir() {
			names = append(names, e.Name()+"/")
		} else {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// docs lists the documents that are searched: those at the top, every design
// doc, every exercise's.
func (t *tree) docs() ([]string, error) {
	var all []string
	for _, pattern := range []string{"README.md", "CONTRIBUTING.md", "cases/*/DESIGN.md", "cases/*/exercises/*/README.md"} {
		found, err := fs.Glob(t.root.FS(), pattern)
		if err != nil {
			return nil, fmt.Errorf("list the docs: %w", err)
		}
		all = append(all, found...)
	}
	return all, nil
}

// label is a document's name in a list.
func (t *tree) label(name string) string {
	parts := strings.Split(name, "/")
	switch {
	case len(parts) == 1:
		return strings.TrimSuffix(name, ".md")
	case len(parts) == 3:
		return parts[1]
	default:
		return path.Join(parts[1], parts[len(parts)-2])
	}
}

// image serves a picture of a document.
func (s *Server) image(w http.ResponseWriter, r *http.Request) error {
	kinds := map[string]string{".png": "image/png", ".jpg": "image/jpeg", ".svg": "image/svg+xml", ".webp": "image/webp"}
	name := r.PathValue("path")
	kind, ok := kinds[path.Ext(name)]
	if !ok {
		return refusef(http.StatusForbidden, "%s is not a picture", name)
	}
	content, err := s.tree.read(name)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox") // a drawing runs nothing
	h.Set("Cache-Control", "no-cache")
	_, _ = w.Write(content) // the client may have gone
	return nil
}
