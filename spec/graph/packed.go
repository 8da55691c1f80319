package graph

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// The packed form has a graph's indices as numbers, so that to load it takes next to no
// time: every run of tracecheck loads all graphs if the log names no kernel. Four lines of
// words come first: the module and the kernel, the variables, all values and all actions.
// Behind them stand the number of states and the start state, in two bytes each; then, for
// each state, its values as indices, the set of the actions that lead back to it in eight
// bytes, the number of its other edges, and for each of these its action in one byte and
// its target in two. (Numbers are little-endian.)

// maxActions bounds a graph's actions.
const maxActions = 64

// Pack writes the graph in the packed form.
func (g *Graph) Pack() ([]byte, error) {
	var values []string
	for _, s := range g.States {
		values = append(values, s.Values...)
	}
	slices.Sort(values)
	values = slices.Compact(values)
	if len(values) > 256 || len(g.Actions) > maxActions || len(g.States) > MaxStates {
		return nil, fmt.Errorf("graph: %d values, %d actions and %d states are too many for the packed form", len(values), len(g.Actions), len(g.States))
	}
	var b []byte
	for _, words := range [][]string{{g.Module, g.Kernel}, g.Variables, values, g.Actions} {
		b = append(b, strings.Join(words, " ")+"\n"...)
	}
	b = binary.LittleEndian.AppendUint16(b, uint16(len(g.States)))
	b = binary.LittleEndian.AppendUint16(b, uint16(g.Start))
	for i, s := range g.States {
		for _, v := range s.Values {
			i, _ := slices.BinarySearch(values, v)
			b = append(b, byte(i))
		}
		var back uint64
		n := 0
		for _, e := range s.Edges {
			if e.To == i {
				back |= 1 << e.Action
			} else {
				n++
			}
		}
		if n > 255 {
			return nil, fmt.Errorf("graph: a state has %d edges, more than a byte can count", n)
		}
		b = append(binary.LittleEndian.AppendUint64(b, back), byte(n))
		for _, e := range s.Edges {
			if e.To != i {
				b = binary.LittleEndian.AppendUint16(append(b, byte(e.Action)), uint16(e.To))
			}
		}
	}
	return b, nil
}

var errPacked = errors.New("graph: the packed form is damaged; go generate ./... writes it anew")

// unpack reads what Pack wrote.
func unpack(b []byte) (*Graph, error) {
	lines := strings.SplitN(string(b), "\n", 5)
	if len(lines) < 5 || len(lines[4]) < 4 {
		return nil, errPacked
	}
	g := &Graph{Variables: strings.Fields(lines[1]), Actions: strings.Fields(lines[3])}
	g.Module, g.Kernel, _ = strings.Cut(lines[0], " ")
	values := strings.Fields(lines[2])
	rest := b[len(b)-len(lines[4]):]
	states := int(binary.LittleEndian.Uint16(rest))
	g.Start = int(binary.LittleEndian.Uint16(rest[2:]))
	rest = rest[4:]
	vars := len(g.Variables)
	fixed := vars + 9 // of each state, but for its edges
	if g.Start >= states || states > MaxStates || len(g.Actions) > maxActions || len(rest) < states*fixed {
		return nil, errPacked
	}
	g.States = make([]State, states)
	all := make([]string, vars*states) // one allocation for the values of all states
	edges := make([]Edge, 0, len(rest)/2)
	for i := range g.States {
		s := &g.States[i]
		s.Values, all = all[:vars:vars], all[vars:]
		if len(rest) < fixed || len(rest) < fixed+3*int(rest[vars+8]) {
			return nil, errPacked
		}
		for v := range s.Values {
			if int(rest[v]) >= len(values) {
				return nil, errPacked
			}
			s.Values[v] = values[rest[v]]
		}
		back := binary.LittleEndian.Uint64(rest[vars:])
		n, first := int(rest[vars+8]), len(edges)
		if back>>len(g.Actions) != 0 {
			return nil, errPacked
		}
		rest = rest[fixed:]
		for ; back != 0; back &= back - 1 {
			edges = append(edges, Edge{bits.TrailingZeros64(back), i})
		}
		for range n {
			e := Edge{int(rest[0]), int(binary.LittleEndian.Uint16(rest[1:]))}
			if e.Action >= len(g.Actions) || e.To >= states {
				return nil, errPacked
			}
			edges, rest = append(edges, e), rest[3:]
		}
		s.Edges = edges[first:len(edges):len(edges)]
		slices.SortFunc(s.Edges, compareEdges)
	}
	if len(rest) > 0 {
		return nil, errPacked
	}
	return g, nil
}
