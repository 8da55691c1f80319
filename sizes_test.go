package tracecheck_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is larger than this is taken apart, tests included.
const (
	maxLines    = 700 // of a file
	maxFunction = 100 // lines of a function
	maxBranches = 25  // of a function: if, for, and each case but the default
	maxFields   = 20  // of a struct type
)

// exceptions may be larger in what is said of them, each for its reason: by file, or
// file and name, the unit. There may be five; today there is none.
var exceptions = map[string]string{}

func TestSizes(t *testing.T) {
	large := map[string]bool{}
	is := func(what string, n, most int, unit string) {
		if n <= most {
			return
		}
		large[what] = true
		if exceptions[what] != unit {
			t.Errorf("%s has %d %s, more than %d", what, n, unit, most)
		}
	}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		path = filepath.ToSlash(path)
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		is(path, bytes.Count(src, []byte("\n")), maxLines, "lines")
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, path, src, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				is(path+" "+n.Name.Name, files.Position(n.End()).Line-files.Position(n.Pos()).Line+1, maxFunction, "lines")
				is(path+" "+n.Name.Name, branches(n), maxBranches, "branches")
			case *ast.TypeSpec:
				if s, ok := n.Type.(*ast.StructType); ok {
					is(path+" "+n.Name.Name, s.Fields.NumFields(), maxFields, "fields")
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(exceptions) > 5 {
		t.Errorf("%d exceptions, more than five", len(exceptions))
	}
	for what := range exceptions {
		if !large[what] {
			t.Errorf("%s needs no exception", what)
		}
	}
}

// branches counts the places where a function's way divides.
func branches(f *ast.FuncDecl) (n int) {
	ast.Inspect(f, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt:
			n++
		case *ast.CaseClause:
			if node.List != nil {
				n++
			}
		case *ast.CommClause:
			if node.Comm != nil {
				n++
			}
		}
		return true
	})
	return n
}
