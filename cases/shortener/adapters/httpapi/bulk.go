package httpapi

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"designkits/cases/shortener"
	"designkits/shared/httpjson"
	"designkits/shared/problem"
)

// What one bulk request may bring.
const (
	maxBulk      = 10 << 20 // bytes
	maxBulkLines = 50_000
	bulkWithin   = 5 * time.Minute
)

// errTooManyLines ends a bulk request.
var errTooManyLines = fmt.Errorf("%w: at most %d lines at once", httpjson.ErrTooLarge, maxBulkLines)

// A bulkLine is what became of a line.
type bulkLine struct {
	Line   int `json:"line"`
	Status int `json:"status"` // as POST /api/links would have answered
	*linkJSON
	Error *problem.Problem `json:"error,omitempty"`
}

// bulk makes many links: a CSV or JSON line each, and a JSON line each in the
// answer, in the same order, while the body is still being read. When it can't
// go on it says so in a last line, whose line number is that of the first one
// not done.
func (s *Server) bulk(w http.ResponseWriter, r *http.Request) error {
	key, err := s.authorize(w, r, 0)
	if err != nil {
		return err
	}
	parse, err := bulkFormat(r)
	if err != nil {
		return err
	}
	if r.ContentLength > maxBulk {
		return fmt.Errorf("%w: at most %d bytes", httpjson.ErrTooLarge, maxBulk)
	}
	ctx, cancel := context.WithTimeout(r.Context(), bulkWithin)
	defer cancel()
	body := http.MaxBytesReader(w, r.Body, maxBulk)
	out := newLineWriter(w)
	// Whoever reads and writes at once must have read all when it returns: the
	// server takes what it finds then for the next request.
	defer func() { _, _ = io.Copy(io.Discard, body) }()
	rows := bulkRows{parse: parse, body: body, now: s.Clock()}
	err = s.Links.CreateMany(ctx, key.Owner, rows.all(),
		func(links int) error { return s.charge(ctx, out, ownerBuckets(key, 0, links)...) },
		func(result shortener.BulkResult) error { return out.write(s.bulkLine(result)) })
	if err == nil {
		err = rows.err
	}
	if err == nil {
		return out.finish()
	}
	if !out.begun {
		return err // nothing was made and nothing said
	}
	p := problemOf(err)
	_ = out.write(bulkLine{Line: out.lines + 1, Status: p.Status, Error: &p}) // the client may have gone
	_ = out.finish()
	return err
}

func (s *Server) bulkLine(result shortener.BulkResult) bulkLine {
	if result.Err != nil {
		p := problemOf(result.Err)
		return bulkLine{Line: result.Line, Status: p.Status, Error: &p}
	}
	link := s.linkJSON(result.Link)
	return bulkLine{Line: result.Line, Status: http.StatusCreated, linkJSON: &link}
}

// A lineWriter writes JSON lines and sends them on batch by batch.
type lineWriter struct {
	http.ResponseWriter
	buffer *bufio.Writer
	begun  bool
	lines  int
}

func newLineWriter(w http.ResponseWriter) *lineWriter {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bulkWithin)) // a client may stall, but not for ever
	// HTTP/1 would have us read the whole body before the first answer.
	_ = control.EnableFullDuplex() // where it can't be, answers wait for the body
	return &lineWriter{ResponseWriter: w, buffer: bufio.NewWriterSize(w, 32<<10)}
}

func (l *lineWriter) write(line bulkLine) error {
	if !l.begun {
		l.begun = true
		l.Header().Set("Content-Type", "application/x-ndjson")
		l.Header().Set("Cache-Control", "no-store")
		l.Header().Set("X-Content-Type-Options", "nosniff")
		l.WriteHeader(http.StatusOK)
	}
	text, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("encode line %d: %w", line.Line, err)
	}
	l.lines = line.Line
	if _, err := l.buffer.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("send line %d: %w", line.Line, err)
	}
	return nil
}

func (l *lineWriter) finish() error {
	if !l.begun {
		return &httpjson.Malformed{Reason: "the body has no lines"}
	}
	if err := l.buffer.Flush(); err != nil {
		return fmt.Errorf("send the last lines: %w", err)
	}
	return nil
}

// A bulkParser reads rows until the body ends. Its error is one after which
// nothing more can be read.
type bulkParser func(body io.Reader, now time.Time, yield func(shortener.BulkRow) bool) error

func bulkFormat(r *http.Request) (bulkParser, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil:
	case kind == "text/csv":
		return parseCSV, nil
	case kind == "application/x-ndjson", kind == "application/jsonl", kind == "application/json-lines":
		return parseJSONLines, nil
	}
	return nil, fmt.Errorf("%w: send CSV as text/csv, or JSON lines as application/x-ndjson", httpjson.ErrMediaType)
}

// bulkRows are the rows of a body; err says, after the last, why it was the
// last.
type bulkRows struct {
	parse bulkParser
	body  io.Reader
	now   time.Time
	err   error
}

func (b *bulkRows) all() iter.Seq[shortener.BulkRow] {
	return func(yield func(shortener.BulkRow) bool) {
		rows := 0
		full := false
		b.err = b.parse(b.body, b.now, func(row shortener.BulkRow) bool {
			if rows++; rows > maxBulkLines {
				full = true
				return false
			}
			return yield(row)
		})
		var tooLarge *http.MaxBytesError
		switch {
		case full:
			b.err = errTooManyLines
		case errors.As(b.err, &tooLarge):
			b.err = fmt.Errorf("%w: at most %d bytes", httpjson.ErrTooLarge, maxBulk)
		}
	}
}

// parseJSONLines reads an object a line, as POST /api/links takes it.
func parseJSONLines(body io.Reader, now time.Time, yield func(shortener.BulkRow) bool) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, 16<<10), maxBody)
	for n := 1; lines.Scan(); n++ {
		if len(strings.TrimSpace(lines.Text())) == 0 {
			continue
		}
		row := shortener.BulkRow{Line: n}
		var asked draftJSON
		if row.Err = httpjson.Parse(lines.Bytes(), &asked); row.Err == nil {
			row.Draft, row.Err = asked.draft(now)
		}
		if !yield(row) {
			return nil
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("%w: a line may have %d bytes", httpjson.ErrTooLarge, maxBody)
	}
	return lines.Err()
}

// columns of a CSV file, in their order where it has no header.
var columns = []string{"target", "alias", "expires", "permanent"}

// parseCSV reads a record a link (RFC 4180). The first may name the columns.
func parseCSV(body io.Reader, now time.Time, yield func(shortener.BulkRow) bool) error {
	reader := csv.NewReader(body)
	reader.FieldsPerRecord = -1
	reader.ReuseRecord = true
	order := columns
	for first := true; ; first = false {
		record, err := reader.Read()
		var broken *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &broken):
			// Where a quote is open nobody can tell where the next record begins.
			yield(shortener.BulkRow{Line: broken.StartLine, Err: &httpjson.Malformed{Reason: "this is no CSV: " + broken.Err.Error()}})
			return nil
		case err != nil:
			return err
		}
		if first && slices.Contains(record, "target") {
			order = slices.Clone(record)
			continue
		}
		line, _ := reader.FieldPos(0)
		row := shortener.BulkRow{Line: line}
		row.Draft, row.Err = draftOf(order, record)
		if !yield(row) {
			return nil
		}
	}
}

func draftOf(order, record []string) (d shortener.Draft, err error) {
	if len(record) > len(order) {
		return d, &httpjson.Malformed{Reason: fmt.Sprintf("%d fields, at most %d are possible: quote what holds a comma", len(record), len(order))}
	}
	for i, text := range record {
		text = strings.TrimSpace(text)
		switch name := order[i]; {
		case text == "" && name != "target":
		case name == "target":
			d.Target = text
		case name == "alias":
			d.Alias = text
		case name == "expires":
			d.Expires, err = parseTime("expires", text)
		case name == "permanent":
			if d.Permanent, err = strconv.ParseBool(text); err != nil {
				err = &shortener.Invalid{Field: "permanent", Rule: "not-a-bool", Reason: "permanent is true or false"}
			}
		default:
			err = &httpjson.Malformed{Field: name, Reason: fmt.Sprintf("column %q is not known here", name)}
		}
		if err != nil {
			return d, err
		}
	}
	return d, nil
}
