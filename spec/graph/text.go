package graph

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The text's form: three header lines, then the states sorted by their values,
// each followed by its edges. States are called by their values, so that a
// change of the specification shows as a small difference. TRUE and FALSE are
// written T and F. Of the target of an edge the values that differ are written,
// each behind its variable; of one that stays where it is, ".".
const head = "# A state graph of the specification, written by go generate; do not edit.\n"

// Format writes the graph in the form that Parse reads.
func (g *Graph) Format() []byte {
	var b bytes.Buffer
	b.WriteString(head)
	fmt.Fprintf(&b, "module %s\n", g.Module)
	fmt.Fprintf(&b, "kernel %s\n", g.Kernel)
	fmt.Fprintf(&b, "variables %s\n", strings.Join(g.Variables, " "))
	fmt.Fprintf(&b, "start %s\n", short(g.States[g.Start].Values))
	for _, s := range g.States {
		fmt.Fprintf(&b, "\n%s\n", short(s.Values))
		for _, e := range s.Edges {
			fmt.Fprintf(&b, "  %-15s %s\n", g.Actions[e.Action], g.change(s.Values, g.States[e.To].Values))
		}
	}
	return b.Bytes()
}

// change says what an edge changes: "phase=started woken=T"; "." if nothing.
func (g *Graph) change(from, to []string) string {
	var changed []string
	for i, v := range to {
		if v != from[i] {
			changed = append(changed, g.Variables[i]+"="+short([]string{v}))
		}
	}
	if changed == nil {
		return "."
	}
	return strings.Join(changed, " ")
}

// changed is the state, by its values, to which an edge leads that changes another one.
func (r *rawGraph) changed(from, change string) (string, error) {
	to := strings.Split(from, " ")
	for _, c := range strings.Fields(change) {
		if c == "." {
			continue
		}
		name, value, ok := strings.Cut(c, "=")
		i := slices.Index(r.variables, name)
		if !ok || i < 0 || i >= len(to) {
			return "", fmt.Errorf("no variable has the value %q", c)
		}
		to[i] = value
	}
	return strings.Join(to, " "), nil
}

func short(values []string) string {
	out := slices.Clone(values)
	for i, v := range out {
		switch v {
		case "TRUE":
			out[i] = "T"
		case "FALSE":
			out[i] = "F"
		}
	}
	return strings.Join(out, " ")
}

func long(state string) []string {
	out := strings.Split(state, " ")
	for i, v := range out {
		switch v {
		case "T":
			out[i] = "TRUE"
		case "F":
			out[i] = "FALSE"
		}
	}
	return out
}

// Parse reads what Format wrote.
func Parse(b []byte) (*Graph, error) {
	raw := rawGraph{}
	start, from := "", ""
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "module "):
			raw.module = line[len("module "):]
		case strings.HasPrefix(line, "kernel "):
			raw.kernel = line[len("kernel "):]
		case strings.HasPrefix(line, "variables "):
			raw.variables = strings.Fields(line)[1:]
		case strings.HasPrefix(line, "start "):
			start = line[len("start "):]
		case strings.HasPrefix(line, "  "):
			action, change, ok := strings.Cut(strings.TrimLeft(line, " "), " ")
			if !ok || from == "" {
				return nil, fmt.Errorf("graph:%d: an edge without a state", n)
			}
			to, err := raw.changed(from, change)
			if err != nil {
				return nil, fmt.Errorf("graph:%d: %v", n, err)
			}
			raw.edges = append(raw.edges, rawEdge{from, action, to})
		default:
			from = line
			raw.states = append(raw.states, from)
		}
	}
	raw.start = start
	return raw.graph()
}

// A rawGraph is a graph whose states are still called by their values, as the
// file has them.
type rawGraph struct {
	module    string
	kernel    string
	variables []string
	start     string
	states    []string
	edges     []rawEdge
}

type rawEdge struct{ from, action, to string }

func (r *rawGraph) graph() (*Graph, error) {
	if !slices.IsSorted(r.states) {
		slices.Sort(r.states)
	}
	r.states = slices.Compact(r.states)
	if len(r.states) > MaxStates {
		return nil, fmt.Errorf("graph: %d states, more than %d", len(r.states), MaxStates)
	}
	g := &Graph{Module: r.module, Kernel: r.kernel, Variables: r.variables, States: make([]State, len(r.states))}
	index := make(map[string]int, len(r.states))
	for i, s := range r.states {
		index[s] = i
		g.States[i].Values = long(s)
		if len(g.States[i].Values) != len(g.Variables) {
			return nil, fmt.Errorf("graph: state %q has %d values for %d variables", s, len(g.States[i].Values), len(g.Variables))
		}
	}
	var ok bool
	if g.Start, ok = index[r.start]; !ok {
		return nil, fmt.Errorf("graph: no start state %q", r.start)
	}
	action := make(map[string]int)
	for _, e := range r.edges {
		action[e.action] = 0
	}
	g.Actions = slices.Sorted(maps.Keys(action))
	for i, a := range g.Actions {
		action[a] = i
	}
	for _, e := range r.edges {
		from, ok1 := index[e.from]
		to, ok2 := index[e.to]
		if !ok1 || !ok2 {
			return nil, fmt.Errorf("graph: an edge from %q to %q, one of which is no state", e.from, e.to)
		}
		s := &g.States[from]
		s.Edges = append(s.Edges, Edge{action[e.action], to})
	}
	for i := range g.States {
		edges := g.States[i].Edges
		slices.SortFunc(edges, compareEdges)
		g.States[i].Edges = slices.Compact(edges)
	}
	return g, nil
}

// compareEdges orders edges by their actions, and then by their targets.
func compareEdges(a, b Edge) int {
	if a.Action != b.Action {
		return a.Action - b.Action
	}
	return a.To - b.To
}
