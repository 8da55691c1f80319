package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/internal/tlc"
)

// docs/mutants.md has every mutant and every property: each mutant is found by
// the property that its model names, and each property alone finds one, or says
// why it is kept. No TLC is run for it.
func TestPage(t *testing.T) {
	root, err := tlc.Root()
	if err != nil {
		t.Fatal(err)
	}
	families, err := read(filepath.Join(root, "spec", "models"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(root, "docs", "mutants.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := parse(string(b))
	reasons := map[string]bool{}
	for i := range families {
		f := &families[i]
		if len(f.mutants) == 0 || len(f.properties) == 0 {
			t.Fatalf("%s has %d mutants and %d properties", f.name, len(f.mutants), len(f.properties))
		}
		f.cells = known
		for _, m := range f.mutants {
			by := 0
			for _, p := range f.properties {
				c, ok := known[key{p.name, m.short()}]
				if !ok {
					t.Errorf("%s × %s is not in docs/mutants.md: run make matrix", p.name, m.Name)
				}
				if c == found || c == alone {
					by++
				}
				if p.name == m.Expect.Violates && c != found && c != alone {
					t.Errorf("%s is there to be found by %s, which holds of it, or not without the mutation either (%q)", m.Name, p.name, c)
				}
			}
			if by == 0 {
				t.Errorf("no property finds %s", m.Name)
			}
		}
		for _, p := range f.properties {
			_, ok := kept[p.name]
			if ok {
				reasons[p.name] = true
			}
			switch {
			case !f.needed(p) && f.open(p):
				t.Logf("%s: open until make matrix has run", p.name)
			case f.needed(p) && ok:
				t.Errorf("%s alone finds a mutant, and has a reason to be kept besides", p.name)
			case !f.needed(p) && !ok:
				t.Errorf("%s alone finds no mutant: add one, or say in kept why it is there", p.name)
			}
		}
	}
	if len(reasons) != len(kept) {
		t.Errorf("%d reasons for %d properties: one is of a property that is not there", len(kept), len(reasons))
	}
	if got := markdown(families); got != string(b) {
		t.Error("docs/mutants.md is not what its cells make: run make matrix")
	}
}

func TestParseReadsWhatMarkdownWrites(t *testing.T) {
	a, b := mutant{Model: tlc.Model{Name: "mutant-01-a"}}, mutant{Model: tlc.Model{Name: "mutant-02-b"}}
	f := family{
		name: "KThread", mutants: []mutant{a, b},
		properties: []property{{"TypeOK", invariant}, {"Live", liveness}},
		cells:      cells{{"TypeOK", "01"}: alone, {"TypeOK", "02"}: unsaid, {"Live", "01"}: survives, {"Live", "02"}: unclear},
	}
	page := markdown([]family{f})
	got := parse(page)
	if len(got) != len(f.cells) {
		t.Errorf("%d cells, want %d\n%s", len(got), len(f.cells), page)
	}
	for k, want := range f.cells {
		if got[k] != want {
			t.Errorf("%v: %q, want %q", k, got[k], want)
		}
	}
	if !f.needed(f.properties[0]) || f.needed(f.properties[1]) {
		t.Error("it is TypeOK that is needed, and not Live")
	}
}

func TestMarkFindsWhatIsAlone(t *testing.T) {
	m := mutant{Model: tlc.Model{Name: "mutant-01-a"}}
	f := family{mutants: []mutant{m}, properties: []property{{"A", invariant}, {"B", safety}}, cells: cells{{"A", "01"}: found, {"B", "01"}: survives}}
	if f.mark(m); f.cells[key{"A", "01"}] != alone {
		t.Errorf("got %v", f.cells)
	}
	f.cells[key{"B", "01"}] = unclear
	if f.mark(m); f.cells[key{"A", "01"}] != found || !f.open(f.properties[0]) {
		t.Errorf("got %v", f.cells)
	}
	f.cells[key{"B", "01"}] = found
	if f.mark(m); f.cells[key{"A", "01"}] != found || f.cells[key{"B", "01"}] != found {
		t.Errorf("got %v", f.cells)
	}
}

// The base of a mutant is its model without the mutation, and a .cfg that mutates
// nothing is no mutant.
func TestNewMutant(t *testing.T) {
	root, err := tlc.Root()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, "spec", "models")
	m, err := tlc.ReadModel(filepath.Join(dir, "mutant-08-no-wake-in-stop.cfg"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(m.Path)
	if err != nil {
		t.Fatal(err)
	}
	mu, err := newMutant(dir, m, string(b))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(mu.cfg, "StopWake <- StopWakesNothing") || strings.Contains(mu.base, "StopWakesNothing") || !strings.Contains(mu.base, "Era <- Linux_5_4") {
		t.Errorf("mutant:\n%s\nbase:\n%s", mu.cfg, mu.base)
	}
	if strings.Contains(mu.cfg, m.Expect.Violates) {
		t.Errorf("the property is still there:\n%s", mu.cfg)
	}
	if _, err := newMutant(dir, m, strings.Replace(string(b), "  StopWake <- StopWakesNothing\n", "", 1)); err == nil {
		t.Error("a mutant without a mutation")
	}
}
