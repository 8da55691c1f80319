package tracecheck_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/kthread-tla/tracecheck"

// arrows are the packages of the program, from the top down, each with those of
// them that it imports. Whatever stands below knows nothing of what stands above:
// readers make events, the checker judges events, reports tell of verdicts, and only
// the root puts a reader and a checker together. CONTRIBUTING.md has the picture.
var arrows = []struct{ pkg, uses string }{
	{"cmd/tracecheck", ". report checker traces/reader traces/printk spec/graph internal/recipe"},
	{".", "report checker traces traces/reader traces/printk spec/graph"},
	{"report", "checker traces spec/graph"},
	{"checker", "checker/internal/clock checker/internal/life checker/internal/model traces spec/graph"},
	{"checker/internal/life", "checker/internal/clock traces"},
	{"checker/internal/clock", ""},
	{"checker/internal/model", "spec/graph"},
	{"traces/reader", "traces/printk traces/internal/klog traces/internal/ktrace traces/internal/skim traces"},
	{"traces/internal/klog", "traces/printk traces/internal/kreport traces/internal/skim traces/internal/scan traces"},
	{"traces/internal/kreport", "traces/internal/scan traces"},
	{"traces/internal/skim", "traces/internal/ktrace traces/internal/scan traces"},
	{"traces/internal/ktrace", "traces/internal/scan traces"},
	{"traces/printk", "traces/internal/scan traces"},
	{"traces/internal/scan", ""},
	{"traces", ""},
	{"spec/graph", ""},
	{"internal/recipe", ""},
}

// The packages that the command is built of import each other as the table says.
func TestArrows(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Imports", "./cmd/tracecheck").Output()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for in := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := in.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		from, ours := inModule(p.ImportPath)
		if !ours {
			continue
		}
		i := slices.IndexFunc(arrows, func(a struct{ pkg, uses string }) bool { return a.pkg == from })
		if i < 0 {
			t.Errorf("%s is not in the table of arrows", from)
			continue
		}
		for _, path := range p.Imports {
			to, ours := inModule(path)
			if ours && !slices.Contains(strings.Fields(arrows[i].uses), to) {
				t.Errorf("%s imports %s", from, to)
			}
			used[from+" → "+to] = true
		}
	}
	for _, a := range arrows {
		for _, to := range strings.Fields(a.uses) {
			if !used[a.pkg+" → "+to] {
				t.Errorf("%s does not import %s", a.pkg, to)
			}
		}
	}
}

// inModule is a package's path inside this module; "." is its root.
func inModule(path string) (rel string, ours bool) {
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}
