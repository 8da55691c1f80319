package main

import (
	"fmt"
	"strings"
)

const head = `# Which property finds which mutant

Written by ` + "`make matrix`" + ` (go run ./spec/matrix). A column is a mutant, a wrong kernel: KThread, or
Workqueue, with a few steps replaced ([models.md](models.md) says by what). A row is a property that
the right one has.

**X** this property finds the mutant, and no other does · **x** so do others · **.** it does not notice ·
empty: with the mutant's constants the property does not hold without the mutation either · **?** TLC
cannot evaluate it there. Invariants and refinement are checked on every behaviour, what must happen
on the fair ones.

A property that alone finds a mutant is needed. For each of the others the last column says why it is
kept. Tests see to it that no mutant, no property and no reason is missing here.

`

// kept says why a property is there that finds no mutant alone.
var kept = map[string]string{}

func markdown(families []family) string {
	var b strings.Builder
	b.WriteString(head)
	for _, f := range families {
		fmt.Fprintf(&b, "## %s\n\n| property |", f.name)
		for _, m := range f.mutants {
			fmt.Fprintf(&b, " %s |", m.short())
		}
		b.WriteString(" why it is kept |\n|" + strings.Repeat(" --- |", len(f.mutants)+2) + "\n")
		for i, p := range f.properties {
			fmt.Fprintf(&b, "| %s |", p.name)
			for _, c := range f.cells[i] {
				fmt.Fprintf(&b, " %s |", c)
			}
			why := kept[p.name]
			if f.needed(i) {
				why = "alone"
			}
			fmt.Fprintf(&b, " %s |\n", why)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// needed says whether a property alone finds some mutant.
func (f *family) needed(property int) bool {
	for _, c := range f.cells[property] {
		if c == alone {
			return true
		}
	}
	return false
}

// fillFrom takes the cells from the page, and says what is missing there.
func fillFrom(families []family, page string) error {
	_, rest, _ := strings.Cut(page, "\n## ")
	for i := range families {
		f := &families[i]
		section, after, _ := strings.Cut(rest, "\n## ")
		rest = after
		lines := strings.Split(strings.TrimSpace(section), "\n")
		if strings.TrimSpace(lines[0]) != f.name || len(lines) < 4 {
			return fmt.Errorf("there is no table of %s", f.name)
		}
		columns := split(lines[2])
		if len(columns) != len(f.mutants)+2 {
			return fmt.Errorf("%s has %d mutants, and the table %d", f.name, len(f.mutants), len(columns)-2)
		}
		for j, m := range f.mutants {
			if columns[j+1] != m.short() {
				return fmt.Errorf("column %d is of mutant %s, not of %s", j+1, columns[j+1], m.Name)
			}
		}
		rows := lines[4:]
		if len(rows) != len(f.properties) {
			return fmt.Errorf("%s has %d properties, and the table %d", f.name, len(f.properties), len(rows))
		}
		for p, row := range rows {
			words := split(row)
			if words[0] != f.properties[p].name || len(words) != len(columns) {
				return fmt.Errorf("row %d is %q, not that of %s", p+1, row, f.properties[p].name)
			}
			f.cells[p] = make([]cell, len(f.mutants))
			for j := range f.mutants {
				if f.cells[p][j] = cell(words[j+1]); words[j+1] == "" {
					f.cells[p][j] = unsaid
				}
			}
		}
	}
	return nil
}

func split(row string) []string {
	words := strings.Split(strings.Trim(row, "|"), "|")
	for i := range words {
		words[i] = strings.TrimSpace(words[i])
	}
	return words
}
