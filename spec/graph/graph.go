// Package graph holds the state graphs of the specification, as TLC found them: of what a
// thread's callers see (spec/KThreadAPI.tla), of what the scheduler does with a task
// (spec/Task.tla), and of both in one (spec/KThreadTask.tla).
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

// Each graph is there twice: as text, for people and for diffs, and packed,
// for programs. A test holds the two together.
//
//go:embed *.packed
var files embed.FS

// MaxStates bounds a graph's states, so that a set of them is a comparable value.
const MaxStates = 4864

// A Module is a module of the specification that there are graphs of.
type Module struct {
	Name   string // as the file is named, without .tla
	model  string // what its models' names begin with, see spec/models
	shared bool   // eras whose rules are the same for callers share a graph
}

var (
	KThreadAPI  = Module{"KThreadAPI", "api", true}           // what callers see
	Task        = Module{"Task", "task", false}               // what the scheduler does with a task
	KThreadTask = Module{"KThreadTask", "kthreadtask", false} // both in one: what tracers see
)

// Modules are all modules that there are graphs of.
var Modules = []Module{KThreadAPI, Task, KThreadTask}

// A Graph is the state graph of a module for one kernel. It is read-only.
type Graph struct {
	Module    string   // the specification's module, "KThreadAPI"
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

// Load returns a module's graph for one of its Kernels. It takes from 20 microseconds to a
// millisecond, and keeps nothing: each call makes another copy.
func Load(m Module, kernel string) (*Graph, error) {
	b, err := files.ReadFile(m.FileOf(kernel) + ".packed")
	if err != nil {
		return nil, fmt.Errorf("no graph of %s for Linux %s: there are %s", m.Name, kernel, strings.Join(m.Kernels(), ", "))
	}
	return unpack(b)
}

// FileOf is the name, without its end, of the two files with the module's graph for a
// kernel: .graph is the text that Format writes, .packed the bytes of Pack.
func (m Module) FileOf(kernel string) string { return m.Name + "-" + kernel }

// ModelOf is the name of the model of spec/models whose graph is that for a kernel.
func (m Module) ModelOf(kernel string) string { return m.model + "-" + kernel + ".cfg" }

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
