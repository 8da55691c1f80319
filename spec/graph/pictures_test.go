package graph

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/internal/tlc"
)

// docs/spec.md says in which states a thread may sleep, phase by phase.
func TestSleeps(t *testing.T) {
	type sleep struct{ phase, state string }
	eras := map[sleep][]string{}
	for _, kernel := range KThreadTask.Kernels() {
		g, err := Load(KThreadTask, kernel)
		if err != nil {
			t.Fatal(err)
		}
		value := func(s State, v string) string { return s.Values[slices.Index(g.Variables, v)] }
		for _, s := range g.States {
			a := sleep{value(s, "phase"), value(s, "state")}
			if value(s, "on") == "asleep" && value(s, "waking") == "FALSE" && !slices.Contains(eras[a], kernel) {
				eras[a] = append(eras[a], kernel)
			}
		}
	}
	var b strings.Builder
	b.WriteString("| phase | state | by the rules of |\n| --- | --- | --- |\n")
	for _, a := range slices.SortedFunc(maps.Keys(eras), func(a, b sleep) int {
		return strings.Compare(a.phase+" "+a.state, b.phase+" "+b.state)
	}) {
		in := strings.Join(eras[a], ", ")
		if len(eras[a]) == len(KThreadTask.Kernels()) {
			in = "all"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", a.phase, a.state, in)
	}
	if want := b.String(); !strings.Contains(specPage(t), want) {
		t.Errorf("docs/spec.md does not say where a thread may sleep:\n%s", want)
	}
}

// docs/spec.md draws what the graphs of all eras have, by one variable of each: where a
// task is, and how far a thread's life has come.
func TestPictures(t *testing.T) {
	for _, p := range []struct {
		module   Module
		variable string
	}{{KThreadAPI, "phase"}, {Task, "on"}} {
		if want := picture(t, p.module, p.variable); !strings.Contains(specPage(t), want) {
			t.Errorf("docs/spec.md does not draw %s by its %s:\n%s", p.module.Name, p.variable, want)
		}
	}
}

// picture is a state diagram: an arrow for each two values of a variable between which
// some era's graph has a step that changes it, with the names of these steps.
func picture(t *testing.T, m Module, variable string) string {
	t.Helper()
	type arrow struct{ from, to string }
	steps := map[arrow]map[string]bool{}
	start := ""
	for _, kernel := range m.Kernels() {
		g, err := Load(m, kernel)
		if err != nil {
			t.Fatal(err)
		}
		v := slices.Index(g.Variables, variable)
		start = g.States[g.Start].Values[v]
		for _, s := range g.States {
			for _, e := range s.Edges {
				a := arrow{s.Values[v], g.States[e.To].Values[v]}
				if a.from == a.to {
					continue
				}
				if steps[a] == nil {
					steps[a] = map[string]bool{}
				}
				steps[a][g.Actions[e.Action]] = true
			}
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "```mermaid\nstateDiagram-v2\n    [*] --> %s\n", start)
	arrows := slices.SortedFunc(maps.Keys(steps), func(a, b arrow) int {
		return strings.Compare(a.from+" "+a.to, b.from+" "+b.to)
	})
	for _, a := range arrows {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", a.from, a.to, strings.Join(slices.Sorted(maps.Keys(steps[a])), ", "))
	}
	return b.String() + "```\n"
}

func specPage(t *testing.T) string {
	t.Helper()
	root, err := tlc.Root()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "spec.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}
