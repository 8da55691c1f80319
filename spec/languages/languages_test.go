package languages

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// automaton is one whose edges are written "0 a 1", or "0 - 1" for a hidden one.
func automaton(t *testing.T, edges string) *Automaton {
	t.Helper()
	a := &Automaton{}
	for _, line := range strings.Split(edges, ",") {
		var from, to int
		var seen string
		if _, err := fmt.Sscan(line, &from, &seen, &to); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for len(a.States) <= max(from, to) {
			a.States = append(a.States, nil)
		}
		if seen == "-" {
			seen = Hidden
		}
		a.States[from] = append(a.States[from], Edge{seen, to})
	}
	return a
}

func TestCompare(t *testing.T) {
	tests := []struct{ name, a, b, want string }{
		{"the same", "0 a 1,1 b 2", "0 a 1,1 b 2", "equal"},
		{"a loop and the same loop unrolled", "0 a 0", "0 a 1,1 a 2,2 a 0", "equal"},
		{"a step more in the first", "0 a 1,1 b 2", "0 a 1", "only the first allows: a b"},
		{"a step more in the second", "0 a 1", "0 a 1,1 b 2", "only the second allows: a b"},
		{"another step", "0 a 1,1 b 2", "0 a 1,1 c 2", "only the first allows: a b"},
		{"one counts to two, the other to three", "0 a 1,1 a 2", "0 a 1,1 a 2,2 a 3", "only the second allows: a a a"},
		{"the shorter of two differences", "0 a 1,1 a 2,2 a 3,0 b 4", "0 a 1,1 a 2,0 b 4,4 c 5", "only the second allows: b c"},
		{"a hidden step before a seen one", "0 - 1,1 a 2", "0 a 1", "equal"},
		{"a hidden step that gives a choice away", "0 a 1,0 - 2,2 b 3", "0 a 1,0 b 2", "equal"},
		{"a hidden step that loses a choice", "0 - 1,1 a 2,1 b 3", "0 a 1,0 b 2", "equal"},
		{"a choice made early", "0 a 1,0 a 2,1 b 3,2 c 4", "0 a 1,1 b 2,1 c 3", "equal"},
		{"a choice made early and one made never", "0 a 1,0 a 2,1 b 3", "0 a 1,1 b 2,1 c 3", "only the second allows: a c"},
		{"a cycle of hidden steps", "0 - 1,1 - 2,2 - 0,2 a 3", "0 a 1", "equal"},
		{"a cycle of hidden steps around a seen one", "0 - 1,1 a 0", "0 a 0", "equal"},
		{"a hidden step to itself", "0 - 0", "0 - 1,1 - 0", "equal"},
		{"a difference beyond a cycle of hidden steps", "0 a 1,1 - 2,2 - 1,2 b 3", "0 a 1", "only the first allows: a b"},
		{"a state that nothing leads to", "0 a 1,2 b 3", "0 a 1", "equal"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := automaton(t, tt.a).Determinise(), automaton(t, tt.b).Determinise()
			for _, side := range []struct {
				a, b *Automaton
				want string
			}{
				{a, b, tt.want},
				{b, a, swapped(tt.want)},
			} {
				got := "equal"
				if d := Compare(side.a, side.b); d != nil {
					got = d.String()
				}
				if got != side.want {
					t.Errorf("got %s, want %s", got, side.want)
				}
			}
		})
	}
}

func swapped(s string) string {
	return strings.NewReplacer("first", "second", "second", "first").Replace(s)
}

func TestDeterminise(t *testing.T) {
	a := automaton(t, "0 - 1,1 - 0,0 a 2,1 a 3,2 - 4,3 b 5,4 b 5,5 - 0")
	d := a.Determinise()
	for i, edges := range d.States {
		for j, e := range edges {
			if e.Seen == Hidden {
				t.Errorf("state %d has a hidden edge", i)
			}
			if j > 0 && edges[j-1].Seen >= e.Seen {
				t.Errorf("state %d: %s after %s", i, e.Seen, edges[j-1].Seen)
			}
		}
	}
	if len(d.States) != 3 || d.Edges() != 3 {
		t.Errorf("%d states, %d edges: %v", len(d.States), d.Edges(), d.States)
	}
	if again := d.Determinise(); len(again.States) != len(d.States) || Compare(d, again) != nil {
		t.Errorf("another automaton at the second time: %v", again.States)
	}
}

func TestRename(t *testing.T) {
	a := automaton(t, "0 Call 1,1 Step 2,2 ReturnOne 3,2 ReturnTwo 3")
	used := map[string]bool{}
	b, err := a.Rename(map[string]string{"Call": "call", "Step": Hidden, "ReturnOne": "return", "ReturnTwo": "return", "Other": "other"}, used)
	if err != nil {
		t.Fatal(err)
	}
	if d := Compare(b.Determinise(), automaton(t, "0 call 1,1 return 2")); d != nil {
		t.Error(d)
	}
	if len(used) != 4 || used["Other"] {
		t.Errorf("used %v", used)
	}
	if _, err := a.Rename(map[string]string{"Call": "call"}, used); err == nil || !strings.Contains(err.Error(), "Step") {
		t.Errorf("an action without an entry: %v", err)
	}
}

// Every name that the mechanism is seen under is one of the API's, and the
// other way round; no action is there twice.
func TestTables(t *testing.T) {
	seen := func(actions []Action) (names []string) {
		for _, a := range actions {
			if a.Seen != Hidden {
				names = append(names, a.Seen)
			}
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	if k, c := seen(Mechanism), seen(Clients); !slices.Equal(k, c) {
		t.Errorf("the mechanism's names are\n%v\nthe callers'\n%v", k, c)
	}
	for _, actions := range [][]Action{Mechanism, Clients} {
		if len(Table(actions)) != len(actions) {
			t.Error("an action is there twice")
		}
	}
	callers := Table(Clients)
	for _, a := range Clients {
		if a.Seen != Hidden && callers[a.Seen] != a.Seen {
			t.Errorf("%s is seen as %s", a.Name, a.Seen)
		}
	}
}

const dot = `strict digraph DiskGraph {
nodesep=0.35;
subgraph cluster_graph {
color="white";
-482 [label="/\\ at = \"a -> b\"\n/\\ n = [t |-> 0]",style = filled]
-482 -> 73 [label="Create",color="black",fontcolor="black"];
73 [label="/\\ at = \"c\"\n/\\ n = [t |-> 0]"];
73 -> 73 [label="Wake",color="black",fontcolor="black"];
73 -> -482 [label="Again",color="black",fontcolor="black"];
}
}
`

func TestReadDot(t *testing.T) {
	// A state's text may be longer than the reader's buffer.
	for _, in := range []string{dot, strings.Replace(dot, "c", strings.Repeat("c", 300_000), 1)} {
		a, err := ReadDot(strings.NewReader(in))
		if err != nil {
			t.Fatal(err)
		}
		want := automaton(t, "0 Create 1,1 Wake 1,1 Again 0")
		if len(a.States) != 2 || a.Edges() != 3 || Compare(a.Determinise(), want.Determinise()) != nil {
			t.Errorf("got %v", a)
		}
	}
	for _, bad := range []struct{ name, dot, err string }{
		{"nothing", "", "no initial state"},
		{"no initial state", strings.Replace(dot, ",style = filled", "", 1), "no initial state"},
		{"two initial states", strings.Replace(dot, `0]"];`, `0]",style = filled]`, 1), "dot:7: a second initial state"},
		{"an edge without a name", strings.Replace(dot, `label="Wake"`, `label=""`, 1), "dot:8: an edge without an action's name"},
		{"an edge to nowhere", strings.Replace(dot, "73 -> 73", "73 -> 74", 1), "not there"},
	} {
		if _, err := ReadDot(strings.NewReader(bad.dot)); err == nil || !strings.Contains(err.Error(), bad.err) {
			t.Errorf("%s: got %v, want %q", bad.name, err, bad.err)
		}
	}
}
