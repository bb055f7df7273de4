package study

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/alecthomas/chroma/v2/styles"

	"designkits/shared/designdoc"
)

// A Source is a file, or the names in a folder.
type Source struct {
	Path  string           `json:"path"`
	HTML  template.HTML    `json:"html,omitempty"`
	Marks *designdoc.Lines `json:"marks,omitempty"` // the lines that the link is about
	// Note says why a link's symbol isn't marked.
	Note  string   `json:"note,omitempty"`
	Names []string `json:"names,omitempty"`
}

// source shows a file. "symbol" marks a Go declaration, "lines" a range: "10-20".
func (s *Server) source(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	name := q.Get("path")
	if err := allowed(name); err != nil {
		return err
	}
	if info, err := fs.Stat(s.tree.root.FS(), name); err == nil && info.IsDir() {
		names, err := s.tree.list(name)
		if err != nil {
			return err
		}
		return answer(w, Source{Path: name, Names: names})
	}
	text, err := s.tree.read(name)
	if err != nil {
		return err
	}
	if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		return refusef(http.StatusUnsupportedMediaType, "%s is not text", name)
	}
	out := Source{Path: name}
	out.Marks, out.Note = marks(name, text, q.Get("symbol"), q.Get("lines"))
	if out.HTML, err = highlighted(name, string(text), out.Marks); err != nil {
		return fmt.Errorf("show %s: %w", name, err)
	}
	return answer(w, out)
}

// marks finds what to point at. A link's text that is no name of the file is
// just text.
func marks(name string, source []byte, symbol, lines string) (*designdoc.Lines, string) {
	if from, to, ok := lineRange(lines); ok {
		return &designdoc.Lines{From: from, To: to}, ""
	}
	if symbol == "" || path.Ext(name) != ".go" {
		return nil, ""
	}
	at, found, err := designdoc.Symbol(name, source, symbol)
	switch {
	case err != nil:
		return nil, err.Error()
	case !found:
		return nil, ""
	}
	return &at, ""
}

func lineRange(text string) (from, to int, ok bool) {
	first, last, ranged := strings.Cut(text, "-")
	from, err := strconv.Atoi(first)
	if err != nil || from < 1 {
		return 0, 0, false
	}
	if !ranged {
		return from, from, true
	}
	to, err = strconv.Atoi(last)
	return from, to, err == nil && to >= from
}

func highlighted(name, text string, marks *designdoc.Lines) (template.HTML, error) {
	lexer := lexers.Match(path.Base(name))
	if lexer == nil {
		lexer = lexers.Fallback
	}
	tokens, err := chroma.Coalesce(lexer).Tokenise(nil, text)
	if err != nil {
		return "", err
	}
	options := []html.Option{html.WithClasses(true), html.WithLineNumbers(true), html.WithLinkableLineNumbers(true, "L")}
	if marks != nil {
		options = append(options, html.HighlightLines([][2]int{{marks.From, marks.To}}))
	}
	var b strings.Builder
	if err := html.New(options...).Format(&b, styles.Fallback, tokens); err != nil {
		return "", err
	}
	return template.HTML(b.String()), nil
}
