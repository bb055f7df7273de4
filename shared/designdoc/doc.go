// Package designdoc keeps a DESIGN.md true: it weaves in what code has
// calculated or measured, and finds what no longer agrees with the code.
//
// A woven part stands between two comments, which Markdown doesn't show:
//
//	<!-- woven: sheet -->
//	| figure | value | from |
//	<!-- end -->
//
// Weave replaces what is between them; a test calls Drift, which fails when
// that would change anything. Most parts are given by name. "woven: code FILE#NAME"
// needs nobody who makes it: it is a piece of a source file, see code.
//
// A link whose text is an identifier, as in [Codes](codes.go), promises that the
// file defines it, and DeadLinks holds the promise.
package designdoc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A Part makes one woven part of a document, in Markdown.
type Part func() (string, error)

var woven = regexp.MustCompile(`(?s)<!-- woven: ([^\n]+?) -->\n(.*?)<!-- end -->`)

// Woven returns the document with each of its parts made anew; dir is the folder
// from which it names source files. A part that the document asks for and nobody
// makes is an error, and so is one that is made and nobody asks for.
func Woven(dir, document string, parts map[string]Part) (string, error) {
	var failed error
	asked := map[string]bool{}
	fresh := woven.ReplaceAllStringFunc(document, func(block string) string {
		name := woven.FindStringSubmatch(block)[1]
		asked[name] = true
		text, err := made(dir, name, parts)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("woven part %q: %w", name, err))
			return block
		}
		return "<!-- woven: " + name + " -->\n" + strings.TrimRight(text, "\n") + "\n<!-- end -->"
	})
	for name := range parts {
		if !asked[name] {
			failed = errors.Join(failed, fmt.Errorf("the document has no place for the woven part %q", name))
		}
	}
	return fresh, failed
}

func made(dir, name string, parts map[string]Part) (string, error) {
	if reference, ok := strings.CutPrefix(name, "code "); ok {
		return code(dir, reference)
	}
	part, ok := parts[name]
	if !ok {
		return "", errors.New("nobody makes it")
	}
	return part()
}

// Weave rewrites the file with its parts made anew.
func Weave(path string, parts map[string]Part) error {
	old, fresh, err := compare(path, parts)
	if err != nil || old == fresh {
		return err
	}
	if err := os.WriteFile(path, []byte(fresh), 0o644); err != nil {
		return fmt.Errorf("weave %s: %w", path, err)
	}
	return nil
}

// Drift says how the file differs from what Weave would make of it, or nil.
func Drift(path string, parts map[string]Part) error {
	old, fresh, err := compare(path, parts)
	if err != nil || old == fresh {
		return err
	}
	was, is := strings.Split(old, "\n"), strings.Split(fresh, "\n")
	for i := range min(len(was), len(is)) {
		if was[i] != is[i] {
			return fmt.Errorf("%s:%d says\n\t%s\nand the code says\n\t%s\n`go generate ./...` in the case's folder weaves it anew", path, i+1, was[i], is[i])
		}
	}
	return fmt.Errorf("%s has %d lines and would have %d: `go generate ./...` in the case's folder weaves it anew", path, len(was), len(is))
}

func compare(path string, parts map[string]Part) (old, fresh string, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", "", fmt.Errorf("read the design doc: %w", err)
	}
	fresh, err = Woven(filepath.Dir(path), string(raw), parts)
	if err != nil {
		return "", "", fmt.Errorf("weave %s: %w", path, err)
	}
	return string(raw), fresh, nil
}
