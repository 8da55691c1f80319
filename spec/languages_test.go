package spec_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/internal/tlc"
	"github.com/kthread-tla/tracecheck/spec/languages"
)

// isLanguage says that a model's state graph is compared with another one's.
func isLanguage(m tlc.Model) bool { return strings.HasPrefix(m.Name, "language-") }

// A kernel's model and its callers' have the same words: refinement says that
// all that the mechanism does is allowed by the API, this says that all that
// the API allows is done by the mechanism.
var equal = []string{"2.6.32", "3.18", "5.4", "6.1", "7.0", "two-stops-3.18", "two-stops-5.4", "two-parks-3.18", "two-parks-5.4"}

// Each of these allows more than the kernel does, and this is the shortest word
// that tells. TLC labels a step that a .cfg file replaces with the name of what
// replaces it: by is seen as step is.
var loose = []struct{ name, kernel, step, by, word string }{
	{"shown", "5.4", "", "", "Created ParkCalled"},
	{"late-request", "3.18", "StopLooked", "LooksAtNothing",
		"Created CreateReturned Woke DecidedRun Entered ExitedEintr Finished StopCalled StopRequested"},
	{"wakes-early", "5.4", "StopWoke", "WakesBeforeUnpark",
		"Created CreateReturned ParkCalled ParkRequested StopCalled StopRequested StopWoke"},
	{"park-gone", "5.4", "ParkCalled", "ParkCalledOfTheGone",
		"Created CreateReturned StopCalled StopRequested StopWoke DecidedNotRun Finished ParkCalled"},
	{"enters-asked", "5.4", "", "", "Created CreateReturned ParkCalled ParkRequested ParkWoke DecidedRun Entered"},
	{"looks-unwoken", "5.4", "", "",
		"Created CreateReturned ParkCalled ParkRequested ParkWoke DecidedRun HoldingAsked HoldingBegun HoldingAsked"},
}

// What differs between two eras for their callers, by the shortest word, which
// only one of them allows: nothing where there is no word. Without parking 7.0
// is 5.4 again.
var eras = []struct {
	a, b    string
	parking bool
	in      int // 0: a allows the word, 1: b
	word    string
}{
	{"2.6.32", "3.18", false, 0, ""},
	{"2.6.32", "3.18", true, 1, "Created CreateReturned ParkCalled"},
	{"3.18", "5.4", false, 0, "Created CreateReturned StopCalled Woke DecidedRun Entered ExitedEintr Finished StopSkippedEintr"},
	{"5.4", "6.1", false, 0, "Created CreateReturned Woke DecidedRun Entered ExitedEintr"},
	{"6.1", "7.0", false, 1, "Created CreateReturned Woke DecidedRun Entered ExitedEintr"},
	{"5.4", "7.0", false, 0, ""},
	{"5.4", "7.0", true, 1, "Created CreateReturned ParkCalled ParkRequested ParkWoke DecidedRun HoldingAsked HoldingBegun ParkReturned UnparkCalled"},
}

// languageTests compares the graphs that TLC has dumped, by the names of their models.
type languageTests struct {
	page   string                          // docs/spec.md
	graphs map[string]*languages.Automaton // as they were dumped
	seen   map[string]*languages.Automaton // by words that both sides have
}

func testLanguages(t *testing.T, root string, graphs map[string]*languages.Automaton) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "spec.md"))
	if err != nil {
		t.Fatal(err)
	}
	l := languageTests{string(page), graphs, words(t, graphs)}
	for _, name := range equal {
		t.Run(name, func(t *testing.T) { l.equal(t, name) })
	}
	for _, m := range loose {
		t.Run("loose/"+m.name, func(t *testing.T) {
			a, b := l.pair(t, "language-kernel-"+m.kernel, "language-loose-"+m.name)
			d := languages.Compare(a, b)
			if want := (&languages.Difference{Word: strings.Fields(m.word), In: 1}); fmt.Sprint(d) != fmt.Sprint(want) {
				t.Errorf("got %v\nwant %v", d, want)
			}
		})
	}
	for _, e := range eras {
		t.Run(fmt.Sprintf("%s and %s, parking %v", e.a, e.b, e.parking), func(t *testing.T) {
			a, b := l.pair(t, "language-callers-"+e.a, "language-callers-"+e.b)
			if !e.parking {
				// A parker that is never called does nothing.
				for _, call := range []string{"ParkCalled", "ParkRefusedBusy", "ParkRefusedGone", "ParkSkipped"} {
					a, b = without(a, call), without(b, call)
				}
			}
			var want *languages.Difference
			if e.word != "" {
				want = &languages.Difference{Word: strings.Fields(e.word), In: e.in}
			}
			if d := languages.Compare(a, b); fmt.Sprint(d) != fmt.Sprint(want) {
				t.Errorf("got %v\nwant %v", d, want)
			}
		})
	}
	if compared := 2*len(equal) + len(loose); compared != len(graphs) {
		t.Errorf("%d models are called language-…, %d of them are compared", len(graphs), compared)
	}
}

// words are the graphs' automata by the words that the kernel's models and its
// callers' share. Each action of the tables must be in a graph.
func words(t *testing.T, graphs map[string]*languages.Automaton) map[string]*languages.Automaton {
	kernels, callers := languages.Table(languages.Mechanism), languages.Table(languages.Clients)
	used := [2]map[string]bool{{}, {}}
	seen := map[string]*languages.Automaton{}
	for name, g := range graphs {
		side, table := 1, callers
		if strings.HasPrefix(name, "language-kernel-") {
			side, table = 0, kernels
		}
		for _, l := range loose {
			if name == "language-loose-"+l.name && l.by != "" {
				table = maps.Clone(table)
				table[l.by] = table[l.step]
			}
		}
		named, err := g.Rename(table, used[side])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		seen[name] = named.Determinise()
	}
	for side, actions := range [][]languages.Action{languages.Mechanism, languages.Clients} {
		for _, a := range actions {
			if !used[side][a.Name] {
				t.Errorf("%s is in the table and in no graph", a.Name)
			}
		}
	}
	return seen
}

// pair is two languages, which must be there: a model that TLC could not check has
// failed already.
func (l *languageTests) pair(t *testing.T, kernel, callers string) (a, b *languages.Automaton) {
	a, b = l.seen[kernel], l.seen[callers]
	if a == nil || b == nil {
		t.Fatalf("%s or %s was not dumped", kernel, callers)
	}
	return a, b
}

// equal compares a kernel's language with its callers'.
func (l *languageTests) equal(t *testing.T, name string) {
	kernel, callers := "language-kernel-"+name, "language-callers-"+name
	a, b := l.pair(t, kernel, callers)
	sizes := ""
	for _, g := range []*languages.Automaton{l.graphs[kernel], a, l.graphs[callers], b} {
		sizes += fmt.Sprintf(" %d, %d |", len(g.States), g.Edges())
	}
	if !strings.Contains(l.page, sizes) {
		t.Errorf("docs/spec.md does not have these states and edges:%s", sizes)
	}
	if d := languages.Compare(a, b); d != nil {
		t.Errorf("only %s allows:\n%s", []string{kernel, callers}[d.In], strings.Join(d.Word, " "))
	}
	// Were a step missing on either side, it would be noticed.
	for _, letter := range letters(a) {
		for i, d := range []*languages.Difference{
			languages.Compare(without(a, letter), b),
			languages.Compare(a, without(b, letter)),
		} {
			if d == nil || d.In != 1-i || d.Word[len(d.Word)-1] != letter {
				t.Errorf("without %s on one side: %v", letter, d)
			}
		}
	}
}

// letters are the names that an automaton's edges bear.
func letters(a *languages.Automaton) []string {
	set := map[string]bool{}
	for _, edges := range a.States {
		for _, e := range edges {
			set[e.Seen] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// without is the automaton without the edges of one name.
func without(a *languages.Automaton, letter string) *languages.Automaton {
	b := &languages.Automaton{Start: a.Start}
	for _, edges := range a.States {
		b.States = append(b.States, slices.DeleteFunc(slices.Clone(edges), func(e languages.Edge) bool { return e.Seen == letter }))
	}
	return b
}
