package designdoc

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var (
	link       = regexp.MustCompile(`\[([^\]\n]*)\]\(([^)\s]+)\)`)
	heading    = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	identifier = regexp.MustCompile(`^[\pL_][\pL\pN_]*(\.[\pL_][\pL\pN_]*)?$`)
	fenced     = regexp.MustCompile("(?ms)^```.*?^```")
)

// DeadLinks returns an error for each link of the file that leads nowhere: to a
// file or folder that isn't there, to a heading that the document lacks, to a
// Go file that doesn't define the identifier that is the link's text. Links to
// other hosts are not followed.
func DeadLinks(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the design doc: %w", err)
	}
	text := fenced.ReplaceAllString(string(raw), "")
	anchors := map[string]bool{}
	for _, h := range heading.FindAllStringSubmatch(text, -1) {
		anchors[anchor(h[1])] = true
	}
	var dead error
	for _, l := range link.FindAllStringSubmatch(text, -1) {
		if err := alive(filepath.Dir(path), l[1], l[2], anchors); err != nil {
			dead = errors.Join(dead, fmt.Errorf("%s: %s: %w", path, l[0], err))
		}
	}
	return dead
}

func alive(dir, text, target string, anchors map[string]bool) error {
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return nil
	}
	file, fragment, _ := strings.Cut(target, "#")
	if file == "" {
		if !anchors[fragment] {
			return errors.New("the document has no such heading")
		}
		return nil
	}
	path := filepath.Join(dir, file)
	info, err := os.Stat(path)
	if err != nil {
		return errors.New("there is no such file")
	}
	name := strings.Trim(text, "`")
	if info.IsDir() || filepath.Ext(path) != ".go" || !identifier.MatchString(name) || strings.ToLower(name) == name {
		return nil // the text is a word and not the name of something exported
	}
	defined, err := defines(path, name)
	if err == nil && !defined {
		err = fmt.Errorf("the file doesn't define %s", name)
	}
	return err
}

// anchor is the fragment that a heading gets.
func anchor(heading string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(heading) {
		switch {
		case r == ' ':
			b.WriteRune('-')
		case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 0x7f:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// defines reports whether the Go file has a declaration of that name; "T.M" is
// the method or field M of T.
func defines(path, name string) (bool, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return false, fmt.Errorf("read the linked file: %w", err)
	}
	owner, member, dotted := strings.Cut(name, ".")
	found := false
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			receiver := receiverName(d)
			found = found || !dotted && d.Name.Name == owner || dotted && receiver == owner && d.Name.Name == member
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				found = found || specDefines(spec, owner, member)
			}
		}
	}
	return found, nil
}

func specDefines(spec ast.Spec, name, member string) bool {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		return s.Name.Name == name && (member == "" || hasMember(s.Type, member))
	case *ast.ValueSpec:
		for _, n := range s.Names {
			if n.Name == name && member == "" {
				return true
			}
		}
	}
	return false
}

func hasMember(t ast.Expr, name string) bool {
	var fields *ast.FieldList
	switch t := t.(type) {
	case *ast.StructType:
		fields = t.Fields
	case *ast.InterfaceType:
		fields = t.Methods
	default:
		return false
	}
	for _, f := range fields.List {
		for _, n := range f.Names {
			if n.Name == name {
				return true
			}
		}
	}
	return false
}

func receiverName(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return ""
	}
	t := f.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if generic, ok := t.(*ast.IndexExpr); ok {
		t = generic.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}
