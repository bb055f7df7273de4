package designdoc

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
)

// Lines are some lines of a file, counted from 1, both ends included.
type Lines struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// Symbol finds where a Go file declares a name, the comment above included.
// "T.M" is the method or field M of T; a method may be named without its type.
// Path is what an error names.
func Symbol(path string, source []byte, name string) (lines Lines, found bool, err error) {
	lines, comment, found, err := declared(path, source, name)
	if found && comment > 0 {
		lines.From = comment
	}
	return lines, found, err
}

// declared finds a declaration itself, and the first line of the comment above it,
// 0 for none.
func declared(path string, source []byte, name string) (lines Lines, comment int, found bool, err error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return Lines{}, 0, false, fmt.Errorf("read the linked file: %w", err)
	}
	node, above := declaration(file, name)
	if node == nil {
		return Lines{}, 0, false, nil
	}
	if above != nil {
		comment = files.Position(above.Pos()).Line
	}
	return Lines{files.Position(node.Pos()).Line, files.Position(node.End()).Line}, comment, true, nil
}

func declaration(file *ast.File, name string) (ast.Node, *ast.CommentGroup) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if name == d.Name.Name || name == receiverName(d)+"."+d.Name.Name {
				return d, d.Doc
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				node, comment := inSpec(spec, name)
				if node == spec && !d.Lparen.IsValid() {
					return d, d.Doc
				}
				if node != nil {
					return node, comment
				}
			}
		}
	}
	return nil, nil
}

// inSpec returns what of a type, constant or variable declares the name: all of
// it, or one member of a type.
func inSpec(spec ast.Spec, name string) (ast.Node, *ast.CommentGroup) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Name.Name == name {
			return s, s.Doc
		}
		for _, f := range members(s.Type) {
			for _, n := range f.Names {
				if s.Name.Name+"."+n.Name == name {
					return f, f.Doc
				}
			}
		}
	case *ast.ValueSpec:
		for _, n := range s.Names {
			if n.Name == name {
				return s, s.Doc
			}
		}
	}
	return nil, nil
}

func members(t ast.Expr) []*ast.Field {
	switch t := t.(type) {
	case *ast.StructType:
		return t.Fields.List
	case *ast.InterfaceType:
		return t.Methods.List
	}
	return nil
}

func receiverName(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return ""
	}
	t := f.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	switch generic := t.(type) {
	case *ast.IndexExpr:
		t = generic.X
	case *ast.IndexListExpr:
		t = generic.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}
