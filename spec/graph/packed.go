package graph

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The packed form has a graph's indices as bytes, so that to load it takes next to
// no time: every run of tracecheck loads all graphs if the log names no kernel.
// Four lines of words come first: the kernel, the variables, all values and all
// actions. Behind them stand the number of states and the start state; then, for
// each state, its values as indices, the number of its edges, and for each edge
// its action and its target.

// Pack writes the graph in the packed form.
func (g *Graph) Pack() ([]byte, error) {
	var values []string
	for _, s := range g.States {
		values = append(values, s.Values...)
	}
	slices.Sort(values)
	values = slices.Compact(values)
	var b []byte
	for _, words := range [][]string{{g.Kernel}, g.Variables, values, g.Actions} {
		b = append(b, strings.Join(words, " ")+"\n"...)
	}
	if most := max(len(values), len(g.Actions), len(g.States)-1); most > 255 {
		return nil, fmt.Errorf("graph: an index of %d does not go into a byte", most)
	}
	b = append(b, byte(len(g.States)-1), byte(g.Start))
	for _, s := range g.States {
		for _, v := range s.Values {
			i, _ := slices.BinarySearch(values, v)
			b = append(b, byte(i))
		}
		if len(s.Edges) > 255 {
			return nil, fmt.Errorf("graph: a state has %d edges, more than a byte can count", len(s.Edges))
		}
		b = append(b, byte(len(s.Edges)))
		for _, e := range s.Edges {
			b = append(b, byte(e.Action), byte(e.To))
		}
	}
	return b, nil
}

var errPacked = errors.New("graph: the packed form is damaged; go generate ./... writes it anew")

// unpack reads what Pack wrote.
func unpack(b []byte) (*Graph, error) {
	lines := strings.SplitN(string(b), "\n", 5)
	if len(lines) < 5 || len(lines[4]) < 2 {
		return nil, errPacked
	}
	g := &Graph{Kernel: lines[0], Variables: strings.Fields(lines[1]), Actions: strings.Fields(lines[3])}
	values, rest := strings.Fields(lines[2]), lines[4]
	g.States, g.Start = make([]State, int(rest[0])+1), int(rest[1])
	rest = rest[2:]
	if g.Start >= len(g.States) {
		return nil, errPacked
	}
	vars := len(g.Variables)
	all := make([]string, vars*len(g.States)) // one allocation for the values of all states
	edges := make([]Edge, 0, len(rest)/2)     // and one for all edges
	for i := range g.States {
		s := &g.States[i]
		s.Values, all = all[:vars:vars], all[vars:]
		if len(rest) <= vars || len(rest) <= vars+2*int(rest[vars]) {
			return nil, errPacked
		}
		for v := range s.Values {
			if int(rest[v]) >= len(values) {
				return nil, errPacked
			}
			s.Values[v] = values[rest[v]]
		}
		n, first := int(rest[vars]), len(edges)
		rest = rest[vars+1:]
		for range n {
			e := Edge{int(rest[0]), int(rest[1])}
			if e.Action >= len(g.Actions) || e.To >= len(g.States) {
				return nil, errPacked
			}
			edges, rest = append(edges, e), rest[2:]
		}
		s.Edges = edges[first:len(edges):len(edges)]
	}
	if rest != "" {
		return nil, errPacked
	}
	return g, nil
}
