package study

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	chroma "github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/yuin/goldmark"
	highlighting "github.com/yuin/goldmark-highlighting/v2"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"designkits/shared/designdoc"
)

// A Document is one Markdown file, rendered.
type Document struct {
	Path     string        `json:"path"`
	Title    string        `json:"title"`
	Chapters []Chapter     `json:"chapters"`
	HTML     template.HTML `json:"html"`
}

// A Chapter is a heading to go to.
type Chapter struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Level int    `json:"level"` // 2 or 3
}

// markdown renders no raw HTML and no inline style, which the page's policy
// forbids.
var markdown = goldmark.New(
	goldmark.WithExtensions(
		extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
		extension.Strikethrough, extension.Linkify, extension.TaskList,
		highlighting.NewHighlighting(highlighting.WithFormatOptions(chroma.WithClasses(true))),
	),
	goldmark.WithParserOptions(parser.WithAutoHeadingID(), parser.WithASTTransformers(util.Prioritized(inPage{}, 500))),
	goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(diagrams{}, 100))),
)

// pathKey holds the document's path while it is parsed.
var pathKey = parser.NewContextKey()

func parse(name string, source []byte) ast.Node {
	pc := parser.NewContext(parser.WithIDs(&anchors{used: map[string]bool{}}))
	pc.Set(pathKey, name)
	return markdown.Parser().Parse(text.NewReader(source), parser.WithContext(pc))
}

func (t *tree) document(name string) (Document, error) {
	if path.Ext(name) != ".md" {
		return Document{}, refusef(http.StatusBadRequest, "%q is not a document: give the path of a .md file", name)
	}
	source, err := t.read(name)
	if err != nil {
		return Document{}, err
	}
	root := parse(name, source)
	d := Document{Path: name, Title: name}
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		h, ok := n.(*ast.Heading)
		if !ok || h.Level > 3 {
			continue
		}
		if h.Level == 1 {
			d.Title = plain(h, source)
			continue
		}
		d.Chapters = append(d.Chapters, Chapter{idOf(h), plain(h, source), h.Level})
	}
	var html bytes.Buffer
	if err := markdown.Renderer().Render(&html, source, root); err != nil {
		return Document{}, fmt.Errorf("render %s: %w", name, err)
	}
	// A table may be wider than the page, and so may a block of code: each scrolls
	// by itself, by keyboard too.
	out := strings.NewReplacer("<pre><code", `<pre tabindex="0"><code`, `<pre class="chroma">`, `<pre class="chroma" tabindex="0">`, "<table>", `<div class="wide" role="group" aria-label="Table" tabindex="0"><table>`, "</table>", "</table></div>").Replace(html.String())
	d.HTML = template.HTML(out)
	return d, nil
}

func missing(name string) Document {
	return Document{Path: name, Title: name, HTML: template.HTML("<h1>No design doc yet</h1><p>This case has no <code>" + template.HTMLEscapeString(name) + "</code>.</p>")}
}

func idOf(h *ast.Heading) string {
	id, _ := h.AttributeString("id")
	raw, _ := id.([]byte)
	return string(raw)
}

// plain is the text of a node without its marks.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			b.Write(n.Segment.Value(source))
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(n.Value)
		case *ast.AutoLink:
			b.Write(n.Label(source))
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// anchors makes the fragments that designdoc holds links to.
type anchors struct{ used map[string]bool }

func (a *anchors) Generate(value []byte, _ ast.NodeKind) []byte {
	id := designdoc.Anchor(string(value))
	for i := 1; a.used[id]; i++ {
		id = designdoc.Anchor(string(value)) + "-" + strconv.Itoa(i)
	}
	a.used[id] = true
	return []byte(id)
}

func (a *anchors) Put(value []byte) { a.used[string(value)] = true }

// inPage makes links lead to this page's own views, and Mermaid blocks
// diagrams.
type inPage struct{}

func (inPage) Transform(root *ast.Document, reader text.Reader, pc parser.Context) {
	name, _ := pc.Get(pathKey).(string)
	source := reader.Source()
	var drawn []*ast.FencedCodeBlock
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link:
			n.Destination = []byte(address(path.Dir(name), string(n.Destination), plain(n, source)))
			if strings.Contains(string(n.Destination), "://") {
				n.SetAttributeString("target", []byte("_blank"))
				n.SetAttributeString("rel", []byte("noopener noreferrer"))
			}
		case *ast.Image:
			if to := string(n.Destination); !strings.Contains(to, "://") {
				n.Destination = []byte("/files/" + path.Join(path.Dir(name), to))
			}
		case *ast.FencedCodeBlock:
			if string(n.Language(source)) == "mermaid" {
				drawn = append(drawn, n)
			}
		}
		return ast.WalkContinue, nil
	})
	for _, block := range drawn {
		d := &diagram{source: string(block.Lines().Value(source)), line: 1}
		if block.Lines().Len() > 0 {
			d.line += bytes.Count(source[:block.Lines().At(0).Start], []byte("\n"))
		}
		block.Parent().ReplaceChild(block.Parent(), block, d)
	}
}

// address is where a link leads in this page: another document, a source
// file with the linked symbol or lines, or what it is.
func address(dir, to, label string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Path == "" {
		return to
	}
	name := path.Join(dir, u.Path)
	q := url.Values{}
	switch {
	case path.Ext(name) == ".md":
		q.Set("doc", name)
		return "?" + q.Encode() + suffix("#", u.Fragment)
	case strings.HasPrefix(u.Fragment, "L"):
		q.Set("lines", strings.ReplaceAll(u.Fragment, "L", ""))
	case path.Ext(name) == ".go":
		q.Set("symbol", strings.Trim(label, "`"))
	}
	q.Set("source", name)
	return "?" + q.Encode()
}

func suffix(mark, s string) string {
	if s == "" {
		return ""
	}
	return mark + s
}

// A diagram is a Mermaid block; the page's script draws it.
type diagram struct {
	ast.BaseBlock
	source string
	line   int // of its first line, for messages
}

var kindDiagram = ast.NewNodeKind("Diagram")

func (d *diagram) Kind() ast.NodeKind            { return kindDiagram }
func (d *diagram) Dump(source []byte, level int) { ast.DumpHelper(d, source, level, nil, nil) }

type diagrams struct{}

func (diagrams) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(kindDiagram, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if d, ok := n.(*diagram); ok && entering {
			_, _ = fmt.Fprintf(w, "<figure class=\"diagram\"><pre tabindex=\"0\" data-line=\"%d\">%s</pre></figure>\n", d.line, template.HTMLEscapeString(d.source))
		}
		return ast.WalkSkipChildren, nil
	})
}

func (s *Server) doc(w http.ResponseWriter, r *http.Request) error {
	d, err := s.tree.document(r.URL.Query().Get("path"))
	if err != nil {
		return err
	}
	return answer(w, d)
}
