package designdoc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A language is how a source file is fenced, and how its comments begin.
type language struct{ fence, comment string }

// languages are those that can be woven, by the end of the file's name.
var languages = map[string]language{
	".go":   {"go", "//"},
	".lua":  {"lua", "--"},
	".sql":  {"sql", "--"},
	".cql":  {"sql", "--"},
	".conf": {"nginx", "#"},
}

// code is a piece of a source file, in a fenced block, and below it a link to its
// file and lines. The reference is FILE#NAME, the file relative to dir:
//
//	codes/permutation.go#Permutation.Code   the declaration of that name, as Symbol finds it
//	adapters/flink/clicks.sql#CREATE VIEW   from the one line that begins like this to the next empty one
//	adapters/redis/fill.lua                 all of it
//
// The comment above a declaration, or at the head of a file, is left out: what it
// says to who changes the code, the document says in its own words.
func code(dir, reference string) (string, error) {
	file, name, _ := strings.Cut(reference, "#")
	lang, ok := languages[filepath.Ext(strings.TrimSuffix(file, ".template"))]
	if !ok {
		return "", fmt.Errorf("the language of %s is not known here: shared/designdoc has a list", file)
	}
	source, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(file)))
	if err != nil {
		return "", fmt.Errorf("read the code: %w", err)
	}
	lines := strings.Split(strings.TrimRight(string(source), "\n"), "\n")
	var at Lines
	switch {
	case lang.fence == "go":
		at, err = ofDeclaration(file, source, name)
	case name != "":
		at, err = ofParagraph(file, lines, name)
	default:
		at = belowHead(lines, lang.comment)
	}
	if err != nil {
		return "", err
	}
	shown := strings.TrimLeft(file, "./") // of what is shared, from the root
	return fmt.Sprintf("```%s\n%s\n```\n\n[%s:%d](%s#L%d-L%d)\n", lang.fence, strings.Join(flush(lines[at.From-1:at.To]), "\n"),
		shown, at.From, file, at.From, at.To), nil
}

func ofDeclaration(file string, source []byte, name string) (Lines, error) {
	if name == "" {
		return Lines{}, errors.New("of a Go file name a declaration: " + file + "#Type.Method")
	}
	at, _, found, err := declared(file, source, name)
	if err == nil && !found {
		err = fmt.Errorf("%s declares no %s", file, name)
	}
	return at, err
}

func ofParagraph(file string, lines []string, start string) (at Lines, err error) {
	for i, line := range lines {
		if !strings.HasPrefix(strings.TrimSpace(line), start) {
			continue
		}
		if at.From > 0 {
			return Lines{}, fmt.Errorf("lines %d and %d of %s both begin with %q: give more of the one that is meant", at.From, i+1, file, start)
		}
		at = Lines{i + 1, i + 1}
		for at.To < len(lines) && strings.TrimSpace(lines[at.To]) != "" {
			at.To++
		}
	}
	if at.From == 0 {
		return Lines{}, fmt.Errorf("no line of %s begins with %q", file, start)
	}
	return at, nil
}

// belowHead is all of a file but for the comment at its head.
func belowHead(lines []string, comment string) Lines {
	from := 0
	for from < len(lines)-1 && (strings.HasPrefix(lines[from], comment) || strings.TrimSpace(lines[from]) == "") {
		from++
	}
	return Lines{from + 1, len(lines)}
}

// flush takes away the indentation that all lines share.
func flush(lines []string) []string {
	shared, first := "", true
	for _, line := range lines {
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		switch {
		case indent == line: // an empty line
		case first:
			shared, first = indent, false
		default:
			for !strings.HasPrefix(indent, shared) {
				shared = shared[:len(shared)-1]
			}
		}
	}
	flushed := make([]string, len(lines))
	for i, line := range lines {
		flushed[i] = strings.TrimPrefix(line, shared)
	}
	return flushed
}
