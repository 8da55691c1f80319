// Matrix runs every mutant against every property that holds without it, and
// writes docs/mutants.md: which property finds which mutant, and for each
// property a mutant that it alone finds, or why it is kept.
//
//	go run ./spec/matrix [-o FILE]
//
// It takes a quarter of an hour or so.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kthread-tla/tracecheck/internal/tlc"
)

func main() {
	out := flag.String("o", "", "the file to write, instead of docs/mutants.md")
	flag.Parse()
	if err := run(*out, flag.Args()); err != nil {
		fmt.Fprintf(os.Stderr, "matrix: %v\n", err)
		os.Exit(1)
	}
}

// run makes the page; with names it only prints what finds these mutants.
func run(out string, names []string) error {
	root, tools, err := tlc.Setup()
	if err != nil {
		return err
	}
	families, err := read(filepath.Join(root, "spec", "models"))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Hour)
	defer cancel()
	for i := range families {
		f := &families[i]
		if len(names) > 0 {
			f.mutants = slices.DeleteFunc(f.mutants, func(m mutant) bool { return !slices.Contains(names, m.Name) })
		}
		if err := f.fill(ctx, tools); err != nil {
			return err
		}
	}
	if len(names) > 0 {
		return nil
	}
	if out == "" {
		out = filepath.Join(root, "docs", "mutants.md")
	}
	return os.WriteFile(out, []byte(markdown(families)), 0o666)
}

// A family is a specification with its properties and its mutants.
type family struct {
	name       string // of the module
	properties []property
	mutants    []mutant
	cells      [][]cell // by property, then mutant
}

// A kind of property says how TLC is asked about it.
type kind int

const (
	invariant kind = iota
	safety         // a PROPERTY [][A]_vars, or refinement
	liveness       // a PROPERTY that needs fairness
)

type property struct {
	name string
	kind kind
}

// A mutant is a model whose .cfg replaces steps of the specification.
type mutant struct {
	tlc.Model
	cfg  string // without the properties
	base string // cfg without the replacements
}

// short is what stands above the mutant's column.
func (m mutant) short() string {
	if _, s, ok := strings.Cut(m.Name, "workqueue-mutant-"); ok {
		return s
	}
	s, _ := strings.CutPrefix(m.Name, "mutant-")
	n, _, _ := strings.Cut(s, "-")
	return n
}

// A cell says what a property makes of a mutant.
type cell string

const (
	survives cell = "."
	found    cell = "x"
	alone    cell = "X" // and no other property finds it
	unclear  cell = "?" // TLC cannot evaluate the property there
	unsaid   cell = " " // it does not hold without the mutation either
)

// read finds the families: what the models that hold check of KThread, or of
// Workqueue, are its properties.
func read(dir string) ([]family, error) {
	models, err := tlc.Models(dir)
	if err != nil {
		return nil, err
	}
	families := []family{{name: "KThread"}, {name: "Workqueue"}}
	for _, m := range models {
		b, err := os.ReadFile(m.Path)
		if err != nil {
			return nil, err
		}
		cfg := string(b)
		var f *family
		switch {
		case slices.Contains([]string{"MCKThread", "MCSymmetry", "Mutants"}, m.Module):
			f = &families[0]
		case m.Module == "Workqueue" || strings.HasPrefix(m.Name, "workqueue-mutant-"):
			f = &families[1]
		default:
			continue
		}
		if strings.HasPrefix(m.Name, "mutant-") || strings.HasPrefix(m.Name, "workqueue-mutant-") {
			mu, err := newMutant(dir, m, cfg)
			if err != nil {
				return nil, err
			}
			f.mutants = append(f.mutants, mu)
			continue
		}
		if m.Expect.Violates != "" {
			continue
		}
		for _, name := range tlc.Section(cfg, "INVARIANT", "INVARIANTS") {
			f.add(property{name, invariant})
		}
		for _, name := range tlc.Section(cfg, "PROPERTY", "PROPERTIES") {
			k := liveness
			if slices.Equal(tlc.Section(cfg, "SPECIFICATION"), []string{"Spec"}) {
				k = safety
			}
			f.add(property{name, k})
		}
	}
	for i := range families {
		f := &families[i]
		slices.SortStableFunc(f.properties, func(a, b property) int { return int(a.kind - b.kind) })
		f.cells = make([][]cell, len(f.properties))
	}
	return families, nil
}

// add adds a property that is not there yet. One that some model checks without
// fairness needs none.
func (f *family) add(p property) {
	i := slices.IndexFunc(f.properties, func(q property) bool { return q.name == p.name })
	switch {
	case i < 0:
		f.properties = append(f.properties, p)
	case p.kind < f.properties[i].kind:
		f.properties[i].kind = p.kind
	}
}

// newMutant takes a mutant's .cfg apart. The lines `Step <- OtherStep` whose
// OtherStep the mutant's module defines are the mutation.
func newMutant(dir string, m tlc.Model, cfg string) (mutant, error) {
	module, err := os.ReadFile(filepath.Join(dir, m.Module+".tla"))
	if err != nil {
		return mutant{}, err
	}
	mu := mutant{Model: m, cfg: tlc.Without(cfg, "INVARIANT", "INVARIANTS", "PROPERTY", "PROPERTIES", "SPECIFICATION")}
	var base strings.Builder
	for line := range strings.Lines(mu.cfg) {
		if strings.HasPrefix(line, `\*`) {
			continue
		}
		_, to, ok := strings.Cut(line, "<-")
		to = strings.TrimSpace(to)
		if ok && (strings.Contains(string(module), "\n"+to+" ==") || strings.Contains(string(module), "\n"+to+"(")) {
			continue
		}
		base.WriteString(line)
	}
	mu.base = base.String()
	if mu.base == mu.cfg {
		return mutant{}, fmt.Errorf("%s: nothing in it replaces a step by one of module %s", m.Path, m.Module)
	}
	return mu, nil
}

// fill runs TLC for all cells.
func (f *family) fill(ctx context.Context, tools tlc.Tools) error {
	for p := range f.properties {
		f.cells[p] = make([]cell, len(f.mutants))
	}
	// What holds without a mutation, once for each set of constants.
	var bases []string
	for _, m := range f.mutants {
		if !slices.Contains(bases, m.base) {
			bases = append(bases, m.base)
		}
	}
	errs := make([]error, max(len(bases), len(f.mutants)))
	holds := make([]map[string]bool, len(bases))
	tlc.EachOnTwoCores(len(bases), func(i int) {
		j := slices.IndexFunc(f.mutants, func(m mutant) bool { return m.base == bases[i] })
		var broken map[string]cell
		broken, errs[i] = breaks(ctx, tools, f.mutants[j].Model, bases[i], f.properties)
		holds[i] = map[string]bool{}
		for _, p := range f.properties {
			holds[i][p.name] = broken[p.name] == survives
		}
	})
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	tlc.EachOnTwoCores(len(f.mutants), func(i int) {
		m := f.mutants[i]
		base := holds[slices.Index(bases, m.base)]
		claimed := slices.DeleteFunc(slices.Clone(f.properties), func(p property) bool { return !base[p.name] })
		var by map[string]cell
		by, errs[i] = breaks(ctx, tools, m.Model, m.cfg, claimed)
		var names []string
		for _, p := range claimed {
			if by[p.name] == found {
				names = append(names, p.name)
			}
		}
		for j, p := range f.properties {
			switch c := by[p.name]; {
			case !base[p.name]:
				f.cells[j][i] = unsaid
			case c == found && len(names) == 1:
				f.cells[j][i] = alone
			default:
				f.cells[j][i] = c
			}
		}
		fmt.Printf("%s: %s\n", m.Name, strings.Join(names, " "))
	})
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// breaks says which properties a model breaks, whose .cfg stands there without
// any.
func breaks(ctx context.Context, tools tlc.Tools, m tlc.Model, cfg string, properties []property) (map[string]cell, error) {
	cells := map[string]cell{}
	ask := func(spec, section string, names ...string) (tlc.Result, error) {
		r, err := tools.RunConfig(ctx, m, fmt.Sprintf("SPECIFICATION %s\n%s%s\n  %s\n", spec, cfg, section, strings.Join(names, " ")))
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
		return r, err
	}
	var invariants []string
	for _, p := range properties {
		cells[p.name] = survives
		if p.kind == invariant {
			invariants = append(invariants, p.name)
		}
	}
	// TLC stops at the first invariant that is violated: the others once more,
	// until all that are left hold.
	for len(invariants) > 0 {
		r, err := ask("Spec", "INVARIANTS", invariants...)
		if ctx.Err() != nil {
			return nil, err
		}
		if err != nil {
			// One of them cannot be evaluated: each for itself.
			for _, name := range invariants {
				switch r, err := ask("Spec", "INVARIANTS", name); {
				case err != nil:
					cells[name] = unclear
				case r.Got.Violates != "":
					cells[name] = found
				}
			}
			break
		}
		if r.Got.Violates == "" {
			break
		}
		cells[r.Got.Violates] = found
		i := slices.Index(invariants, r.Got.Violates)
		if i < 0 {
			return nil, fmt.Errorf("%s: TLC names %s, which was not asked for", m.Name, r.Got.Violates)
		}
		invariants = slices.Delete(invariants, i, i+1)
	}
	for _, p := range properties {
		spec := "Spec"
		switch p.kind {
		case invariant:
			continue
		case liveness:
			spec = "FairSpec"
		}
		switch r, err := ask(spec, "PROPERTIES", p.name); {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			cells[p.name] = unclear
		case r.Got.Violates != "":
			cells[p.name] = found
		}
	}
	return cells, nil
}
