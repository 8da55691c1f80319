// Package graph holds the state graph of spec/KThreadAPI.tla, as TLC found it.
//
// It is the only place from which Go learns what is legal. Nothing here, and
// nothing in the packages above, states a transition rule: change the TLA+,
// run `go generate ./...`, and the checker has changed.
package graph

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:generate go run ./dump

// Each kernel's graph is there twice: as text, for people and for diffs, and packed,
// for programs. A test holds the two together.
//
//go:embed *.packed
var files embed.FS

// MaxStates bounds a graph's states, so that a set of them is a small
// comparable value.
const MaxStates = 256

// A Graph is the state graph for one kernel. It is read-only.
type Graph struct {
	Kernel    string   // the kernel that it was dumped for, as "5.4"
	Variables []string // the specification's variables, in the order of State.Values
	States    []State  // sorted by Values
	Start     int      // index of the initial state
	Actions   []string // the names of all actions, sorted
}

// A State is one state of the specification.
type State struct {
	Values []string // as TLC prints them, strings without their quotes
	Edges  []Edge   // sorted by action, then by target
}

// An Edge says that Action leads to the state with index To.
type Edge struct {
	Action int // index in Graph.Actions
	To     int // index in Graph.States
}

// Load returns the graph of one of Kernels. It takes some 20 microseconds and keeps
// nothing: each call makes another copy.
func Load(kernel string) (*Graph, error) {
	b, err := files.ReadFile(FileOf(kernel) + ".packed")
	if err != nil {
		return nil, fmt.Errorf("no graph for Linux %s: there are %s", kernel, strings.Join(Kernels(), ", "))
	}
	return unpack(b)
}

// FileOf is the name, without its end, of the two files with a kernel's graph:
// .graph is the text that Format writes, .packed the bytes of Pack.
func FileOf(kernel string) string { return "KThreadAPI-" + kernel }

// Action is the index of a name in Actions, -1 where there is no such action.
func (g *Graph) Action(name string) int {
	if i, ok := slices.BinarySearch(g.Actions, name); ok {
		return i
	}
	return -1
}

// Value is the value of a variable in a state. The variable must exist.
func (g *Graph) Value(state int, variable string) string {
	return g.States[state].Values[slices.Index(g.Variables, variable)]
}
