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
// written T and F, and the target of an edge that stays where it is as ".".
const head = "# State graph of spec/KThreadAPI.tla, written by go generate; do not edit.\n"

// Format writes the graph in the form that Parse reads.
func (g *Graph) Format() []byte {
	var b bytes.Buffer
	b.WriteString(head)
	fmt.Fprintf(&b, "kernel %s\n", g.Kernel)
	fmt.Fprintf(&b, "variables %s\n", strings.Join(g.Variables, " "))
	fmt.Fprintf(&b, "start %s\n", short(g.States[g.Start].Values))
	for i, s := range g.States {
		fmt.Fprintf(&b, "\n%s\n", short(s.Values))
		for _, e := range s.Edges {
			to := "."
			if e.To != i {
				to = short(g.States[e.To].Values)
			}
			fmt.Fprintf(&b, "  %-15s %s\n", g.Actions[e.Action], to)
		}
	}
	return b.Bytes()
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
		case strings.HasPrefix(line, "kernel "):
			raw.kernel = line[len("kernel "):]
		case strings.HasPrefix(line, "variables "):
			raw.variables = strings.Fields(line)[1:]
		case strings.HasPrefix(line, "start "):
			start = line[len("start "):]
		case strings.HasPrefix(line, "  "):
			action, to, ok := strings.Cut(strings.TrimLeft(line, " "), " ")
			if !ok || from == "" {
				return nil, fmt.Errorf("graph:%d: an edge without a state", n)
			}
			to = strings.TrimLeft(to, " ")
			if to == "." {
				to = from
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
	g := &Graph{Kernel: r.kernel, Variables: r.variables, States: make([]State, len(r.states))}
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
		slices.SortFunc(edges, func(a, b Edge) int {
			if a.Action != b.Action {
				return a.Action - b.Action
			}
			return a.To - b.To
		})
		g.States[i].Edges = slices.Compact(edges)
	}
	return g, nil
}
