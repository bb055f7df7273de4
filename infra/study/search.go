package study

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
)

// A Hit is a part of a document that has all words of a search.
type Hit struct {
	Path    string `json:"path"`
	Label   string `json:"label"`
	Heading string `json:"heading"`
	Anchor  string `json:"anchor"`
	Text    string `json:"text"` // around the first word
	score   int
}

const (
	maxQuery = 200
	maxHits  = 20
)

// A section is what stands below one heading.
type section struct {
	heading, anchor string
	paragraphs      []string
}

// search reads the docs anew each time: they are few, and a reader may be
// writing one.
func (s *Server) search(w http.ResponseWriter, r *http.Request) error {
	query := strings.TrimSpace(r.URL.Query().Get("q"))
	if len(query) > maxQuery {
		return refusef(http.StatusBadRequest, "a search has at most %d characters", maxQuery)
	}
	words := strings.Fields(strings.ToLower(query))
	hits := []Hit{}
	if len(words) == 0 {
		return answer(w, hits)
	}
	docs, err := s.tree.docs()
	if err != nil {
		return err
	}
	for _, name := range docs {
		source, err := s.tree.read(name)
		if err != nil {
			return err
		}
		for _, sec := range sections(name, source) {
			if h, ok := sec.find(words); ok {
				h.Path, h.Label = name, s.tree.label(name)
				hits = append(hits, h)
			}
		}
	}
	slices.SortStableFunc(hits, func(a, b Hit) int { return cmp.Compare(b.score, a.score) })
	return answer(w, hits[:min(len(hits), maxHits)])
}

func sections(name string, source []byte) []section {
	all := []section{{}}
	for n := parse(name, source).FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok {
			all = append(all, section{heading: plain(h, source), anchor: idOf(h)})
			continue
		}
		last := &all[len(all)-1]
		last.paragraphs = append(last.paragraphs, paragraphs(n, source)...)
	}
	return all
}

// paragraphs splits a block into the texts that are found one by one.
func paragraphs(n ast.Node, source []byte) (all []string) {
	switch n := n.(type) {
	case *ast.List, *ast.ListItem, *ast.Blockquote, *east.Table:
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			all = append(all, paragraphs(c, source)...)
		}
	case *east.TableHeader, *east.TableRow:
		var cells []string
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			cells = append(cells, plain(c, source))
		}
		all = append(all, strings.Join(cells, " · "))
	case *ast.FencedCodeBlock, *ast.CodeBlock:
		all = append(all, string(n.Lines().Value(source)))
	case *diagram: // its words are no sentences
	default:
		all = append(all, plain(n, source))
	}
	return all
}

// find looks for all words in the heading and one paragraph; the best
// paragraph stands for the section.
func (s section) find(words []string) (best Hit, found bool) {
	for i, p := range append([]string{""}, s.paragraphs...) {
		heading, body := strings.ToLower(s.heading), strings.ToLower(p)
		score, in := 0, -1
		all := true
		for _, word := range words {
			inHeading, at := strings.Contains(heading, word), strings.Index(body, word)
			all = all && (inHeading || at >= 0)
			if inHeading {
				score += 10
			}
			if at >= 0 {
				score += 2 + strings.Count(body, word)
				if in < 0 {
					in = at
				}
			}
		}
		if strings.Contains(body, strings.Join(words, " ")) {
			score += 5
		}
		if !all || found && score <= best.score {
			continue
		}
		text := p
		if i == 0 && len(s.paragraphs) > 0 {
			text = s.paragraphs[0]
		}
		best, found = Hit{Heading: s.heading, Anchor: s.anchor, Text: around(text, in), score: score}, true
	}
	return best, found
}

// around cuts a text to what stands around a place in it.
func around(text string, at int) string {
	const before, size = 60, 220
	text = strings.Join(strings.Fields(text), " ")
	from := max(0, min(at-before, len(text)-size))
	for from > 0 && from < len(text) && text[from-1] != ' ' {
		from--
	}
	to := min(len(text), from+size)
	for to < len(text) && (text[to] != ' ' || !utf8.RuneStart(text[to])) {
		to++
	}
	cut := text[from:to]
	if from > 0 {
		cut = "… " + cut
	}
	if to < len(text) {
		cut += " …"
	}
	return cut
}
