// Matrix runs the mutants against the properties that hold without them, and
// writes docs/mutants.md: which property finds which mutant, and for each
// property a mutant that it alone finds, or why it is kept.
//
//	go run ./spec/matrix [-all] [-o FILE] [MUTANT...]
//
// What docs/mutants.md says already is not run again, but for the mutants that
// are named, or, with -all, for any; that takes half an hour or so.
package main

import (
	"context"
	"errors"
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
	all := flag.Bool("all", false, "run what docs/mutants.md says already, too")
	out := flag.String("o", "", "the file to write, instead of docs/mutants.md")
	flag.Parse()
	if err := run(*all, *out, flag.Args()); err != nil {
		fmt.Fprintf(os.Stderr, "matrix: %v\n", err)
		os.Exit(1)
	}
}

func run(all bool, out string, names []string) error {
	root, tools, err := tlc.Setup()
	if err != nil {
		return err
	}
	families, err := read(filepath.Join(root, "spec", "models"))
	if err != nil {
		return err
	}
	page := filepath.Join(root, "docs", "mutants.md")
	known := cells{}
	if b, err := os.ReadFile(page); err == nil && !all {
		known = parse(string(b))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Hour)
	defer cancel()
	for i := range families {
		f := &families[i]
		for _, m := range f.mutants {
			for _, p := range f.properties {
				if c, ok := known[key{p.name, m.short()}]; ok && c != unclear && !slices.Contains(names, m.Name) {
					f.cells[key{p.name, m.short()}] = c
				}
			}
		}
		if err := f.fill(ctx, tools); err != nil {
			return err
		}
	}
	if out == "" {
		out = page
	}
	return os.WriteFile(out, []byte(markdown(families)), 0o666)
}

// A family is a specification with its properties and its mutants.
type family struct {
	name       string   // of the module
	spec       string   // its specification without fairness
	modules    []string // of its models
	mutantsOf  string   // what their names begin with
	properties []property
	mutants    []mutant
	cells      cells
}

// A key is a property's name and what stands above a mutant's column.
type key struct{ property, mutant string }

type cells map[key]cell

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
	if _, s, ok := strings.Cut(m.Name, "-mutant-"); ok {
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
	unclear  cell = "?" // not run yet, or TLC cannot evaluate the property there
	unsaid   cell = " " // it does not hold without the mutation either, or is about nobody
)

// nobody says whether a property is about clients that a .cfg has none of, by
// the property's name: what parks return, or stops.
func nobody(p property, cfg string) bool {
	parks := strings.Contains(p.name, "Park")
	return p.kind == liveness && strings.Contains(p.name, "Return") &&
		(parks && strings.Contains(cfg, "Parkers = {}") ||
			strings.Contains(p.name, "Stop") && strings.Contains(cfg, "Stoppers = {}"))
}

// read finds the families: what the models that hold check of a specification are its
// properties.
func read(dir string) ([]family, error) {
	models, err := tlc.Models(dir)
	if err != nil {
		return nil, err
	}
	families := []family{
		{name: "KThread", spec: "Spec", modules: []string{"MCKThread", "MCSymmetry", "Mutants"}, mutantsOf: "mutant-"},
		{name: "Workqueue", spec: "Spec", modules: []string{"Workqueue"}, mutantsOf: "workqueue-mutant-"},
		{name: "Task", spec: "TaskSpec", modules: []string{"MCTaskAlone"}, mutantsOf: "task-mutant-"},
		{name: "KThreadTask", spec: "Spec", modules: []string{"MCTask"}, mutantsOf: "kthreadtask-mutant-"},
	}
	for _, m := range models {
		b, err := os.ReadFile(m.Path)
		if err != nil {
			return nil, err
		}
		cfg := string(b)
		at := slices.IndexFunc(families, func(f family) bool {
			return slices.Contains(f.modules, m.Module) || strings.HasPrefix(m.Name, f.mutantsOf)
		})
		if at < 0 {
			continue
		}
		f := &families[at]
		if strings.HasPrefix(m.Name, f.mutantsOf) {
			if m.Expect.Violates == "" {
				continue // found by traces only: mutant 14
			}
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
			k := safety
			if strings.HasPrefix(strings.Join(tlc.Section(cfg, "SPECIFICATION"), ""), "Fair") {
				k = liveness
			}
			f.add(property{name, k})
		}
	}
	for i := range families {
		f := &families[i]
		slices.SortStableFunc(f.properties, func(a, b property) int { return int(a.kind - b.kind) })
		f.cells = cells{}
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
	mu := mutant{Model: m}
	for line := range strings.Lines(tlc.Without(cfg, "INVARIANT", "INVARIANTS", "PROPERTY", "PROPERTIES", "SPECIFICATION")) {
		if strings.HasPrefix(line, `\*`) {
			continue
		}
		mu.cfg += line
		_, to, ok := strings.Cut(line, "<-")
		to = strings.TrimSpace(to)
		if !ok || !strings.Contains(string(module), "\n"+to+" ") && !strings.Contains(string(module), "\n"+to+"(") {
			mu.base += line
		}
	}
	if mu.base == mu.cfg {
		return mutant{}, fmt.Errorf("%s: nothing in it replaces a step by one of module %s", m.Path, m.Module)
	}
	return mu, nil
}

// fill runs TLC for all cells that are not known.
func (f *family) fill(ctx context.Context, tools tlc.Tools) error {
	missing := make([][]property, len(f.mutants))
	// What holds without a mutation is asked once for each set of constants.
	asked := map[string][]property{}
	var bases []string
	for i, m := range f.mutants {
		for _, p := range f.properties {
			k := key{p.name, m.short()}
			if nobody(p, m.base) {
				f.cells[k] = unsaid
			}
			if _, ok := f.cells[k]; ok {
				continue
			}
			missing[i] = append(missing[i], p)
			if !slices.Contains(asked[m.base], p) {
				asked[m.base] = append(asked[m.base], p)
			}
		}
		if len(missing[i]) > 0 && !slices.Contains(bases, m.base) {
			bases = append(bases, m.base)
		}
	}
	broken := make([]map[string]cell, len(bases))
	errs := make([]error, len(bases)+len(f.mutants))
	tlc.EachOnTwoCores(len(bases), func(i int) {
		j := slices.IndexFunc(f.mutants, func(m mutant) bool { return m.base == bases[i] })
		broken[i], errs[i] = f.breaks(ctx, tools, f.mutants[j].Model, bases[i], asked[bases[i]])
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	by := make([]map[string]cell, len(f.mutants))
	tlc.EachOnTwoCores(len(f.mutants), func(i int) {
		m := f.mutants[i]
		if len(missing[i]) == 0 {
			return
		}
		base := broken[slices.Index(bases, m.base)]
		claimed := slices.DeleteFunc(slices.Clone(missing[i]), func(p property) bool { return base[p.name] != survives })
		by[i], errs[len(bases)+i] = f.breaks(ctx, tools, m.Model, m.cfg, claimed)
		for _, p := range missing[i] {
			if base[p.name] != survives {
				by[i][p.name] = unsaid
			}
		}
		fmt.Println(m.Name, by[i])
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for i, m := range f.mutants {
		for name, c := range by[i] {
			f.cells[key{name, m.short()}] = c
		}
		f.mark(m)
	}
	return nil
}

// mark tells a property that alone finds a mutant from one of several. Where a
// cell is unclear it tells nothing yet.
func (f *family) mark(m mutant) {
	var finds []key
	clear := true
	for _, p := range f.properties {
		k := key{p.name, m.short()}
		switch f.cells[k] {
		case found, alone:
			f.cells[k] = found
			finds = append(finds, k)
		case unclear:
			clear = false
		}
	}
	if clear && len(finds) == 1 {
		f.cells[finds[0]] = alone
	}
}

// breaks says which properties a model breaks, whose .cfg stands there without
// any.
func (f *family) breaks(ctx context.Context, tools tlc.Tools, m tlc.Model, cfg string, properties []property) (map[string]cell, error) {
	cells := map[string]cell{}
	names := map[kind][]string{}
	for _, p := range properties {
		cells[p.name] = survives
		names[p.kind] = append(names[p.kind], p.name)
	}
	// ask is which property a run finds violated, "" for none.
	ask := func(k kind, names ...string) (string, error) {
		spec, section := f.spec, "PROPERTIES"
		switch k {
		case invariant:
			section = "INVARIANTS"
		case liveness:
			spec = "FairSpec"
		}
		r, err := tools.RunConfig(ctx, m, fmt.Sprintf("SPECIFICATION %s\n%s%s\n  %s\n", spec, cfg, section, strings.Join(names, " ")))
		return r.Got.Violates, err
	}
	each := func(k kind, names []string) {
		for _, name := range names {
			switch violated, err := ask(k, name); {
			case err != nil:
				cells[name] = unclear
			case violated != "":
				cells[name] = found
			}
		}
	}
	// TLC stops at the first invariant that is violated: the others once more,
	// until all that are left hold.
	left := names[invariant]
	for len(left) > 0 {
		violated, err := ask(invariant, left...)
		if err != nil {
			each(invariant, left) // one of them cannot be evaluated
			break
		}
		if violated == "" {
			break
		}
		cells[violated] = found
		left = slices.DeleteFunc(left, func(n string) bool { return n == violated })
	}
	each(safety, names[safety])
	each(liveness, names[liveness])
	return cells, ctx.Err()
}
