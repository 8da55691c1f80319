// Package model is the state graph, and the search for an order of operations that
// walks it. It knows no log.
package model

import (
	"slices"
	"strings"
	"sync"

	"github.com/kthread-tla/tracecheck/spec/graph"
)

// StopReturns are the actions by which a kthread_stop() comes to its end.
var StopReturns = []string{"StopReturnValue", "StopReturnEintr", "StopSkipValue", "StopSkipEintr"}

// A Machine is a state graph that is walked by sets of states. It may be used by
// several goroutines. Its tables are built when they are asked for.
type Machine struct {
	Graph     *graph.Graph
	All       ActionSet // all actions of the graph
	ExitShows bool      // a stop returns what the thread has given do_exit() (to 5.16, and from 7.0 on)
	Answers   Cache[Found]

	named   map[string]ActionSet  // by an action's name
	values  [][]valued            // by variable
	inOrder func() [][]graph.Edge // by state: its edges in the order that New was given
	idle    func() []ActionSet    // by action: the actions that change nothing once it has happened
	before  func() [][]graph.Edge // by state: the edges that lead to it, see edgesBefore
	returns func() []StateSet     // [n]: the states from which n+1 more stops can return; the last stands for any more

	mu   sync.Mutex
	sets *sets // of the searches so far; nil: none
}

// A valued is one value of a variable, with the states that have it.
type valued struct {
	value  string
	states StateSet
}

// New makes a Machine of a graph. order has the names of the graph's actions. If there are
// several shortest witnesses, the one whose actions come first in order is found.
func New(g *graph.Graph, order []string) *Machine {
	m := &Machine{
		Graph: g, All: ActionSet(1)<<len(g.Actions) - 1, named: make(map[string]ActionSet, len(g.Actions)),
		values: make([][]valued, len(g.Variables)),
	}
	for a, name := range g.Actions {
		m.named[name] = 1 << a
	}
	for i, s := range g.States {
		for v, value := range s.Values {
			n := slices.IndexFunc(m.values[v], func(w valued) bool { return w.value == value })
			if n < 0 {
				n = len(m.values[v])
				m.values[v] = append(m.values[v], valued{value: value})
			}
			m.values[v][n].states.Add(i)
		}
	}
	m.ExitShows = m.Actions("ExitEintr") != 0
	m.inOrder = sync.OnceValue(func() [][]graph.Edge { return edgesIn(g, order) })
	m.idle = sync.OnceValue(m.findIdle)
	m.before = sync.OnceValue(func() [][]graph.Edge { return edgesBefore(g) })
	m.returns = sync.OnceValue(m.countReturns)
	return m
}

// edgesIn are the edges of each state, in the given order of their actions.
func edgesIn(g *graph.Graph, order []string) (sorted [][]graph.Edge) {
	position := make([]int, len(g.Actions))
	for a, name := range g.Actions {
		position[a] = slices.Index(order, name)
	}
	for _, s := range g.States {
		edges := slices.Clone(s.Edges)
		slices.SortStableFunc(edges, func(a, b graph.Edge) int { return position[a.Action] - position[b.Action] })
		sorted = append(sorted, edges)
	}
	return sorted
}

// findIdle returns, for each action, the actions that change nothing in any state that the
// action leads to.
func (m *Machine) findIdle() (idle []ActionSet) {
	reached := m.reachedBy(m.All)
	moves := make([]ActionSet, len(m.Graph.States)) // by state: the actions that lead elsewhere
	after := make([]StateSet, len(m.Graph.Actions)) // by action: the states that can come after it
	for i, s := range m.Graph.States {
		for _, e := range s.Edges {
			if e.To != i {
				moves[i] |= 1 << e.Action
			}
			after[e.Action] = after[e.Action].Union(reached[e.To])
		}
	}
	for _, states := range after {
		still := m.All
		states.Each(func(i int) { still &^= moves[i] })
		idle = append(idle, still)
	}
	return idle
}

// Idempotent says whether, once one of the actions has happened, none of them changes
// anything any more. It is false for no actions.
func (m *Machine) Idempotent(by ActionSet) bool {
	for a, idle := range m.idle() {
		if by.Has(a) && by&^idle != 0 {
			return false
		}
	}
	return by != 0
}

// Recurs says whether an action can happen after one of others.
func (m *Machine) Recurs(action string, after ActionSet) bool {
	var all StateSet
	for i := range m.Graph.States {
		all.Add(i)
	}
	return !m.Closure(m.Step(all, after), m.All).Intersect(m.Enabled(m.Actions(action))).Empty()
}

// Actions is the set of actions with these names. A name that the graph does
// not know is an action that can never happen.
func (m *Machine) Actions(names ...string) ActionSet {
	var s ActionSet
	for _, n := range names {
		s |= m.named[n]
	}
	return s
}

func (m *Machine) start() StateSet {
	var s StateSet
	s.Add(m.Graph.Start)
	return s
}

// Step returns the states to which one of the actions leads from the states of s.
func (m *Machine) Step(s StateSet, by ActionSet) StateSet {
	var to StateSet
	s.Each(func(i int) {
		for _, e := range m.Graph.States[i].Edges {
			if by.Has(e.Action) {
				to.Add(e.To)
			}
		}
	})
	return to
}

// Closure returns s, and all states to which any number of hidden actions leads from it.
func (m *Machine) Closure(s StateSet, hidden ActionSet) StateSet {
	found := s
	unvisited := make([]int, 0, 64)
	s.Each(func(i int) { unvisited = append(unvisited, i) })
	for len(unvisited) > 0 {
		from := unvisited[len(unvisited)-1]
		unvisited = unvisited[:len(unvisited)-1]
		for _, e := range m.Graph.States[from].Edges {
			if hidden.Has(e.Action) && !found.Has(e.To) {
				found.Add(e.To)
				unvisited = append(unvisited, e.To)
			}
		}
	}
	return found
}

// reachedBy returns, for each state, the state and all to which hidden actions lead from it.
func (m *Machine) reachedBy(hidden ActionSet) []StateSet {
	reached := make([]StateSet, len(m.Graph.States))
	for i := range reached {
		reached[i].Add(i)
	}
	for changed := true; changed; {
		changed = false
		for i := len(reached) - 1; i >= 0; i-- {
			s := reached[i]
			for _, e := range m.Graph.States[i].Edges {
				if e.To != i && hidden.Has(e.Action) {
					s = s.Union(reached[e.To])
				}
			}
			if s != reached[i] {
				reached[i], changed = s, true
			}
		}
	}
	return reached
}

// countReturns returns the states from which one more stop can return, two more stops, ….
func (m *Machine) countReturns() (returns []StateSet) {
	by := m.Actions(StopReturns...)
	var left StateSet
	for i := range m.Graph.States {
		left.Add(i)
	}
	for {
		// From which states does a return lead into left, perhaps after other actions?
		can := m.leadingTo(func(e graph.Edge) bool { return by.Has(e.Action) && left.Has(e.To) }, m.All&^by)
		if can.Empty() {
			return returns
		}
		returns = append(returns, can)
		if can == left {
			return returns
		}
		left = can
	}
}

// leadingTo returns the states with an edge for which is is true, and those from which
// hidden actions lead to them.
func (m *Machine) leadingTo(is func(graph.Edge) bool, hidden ActionSet) (states StateSet) {
	before := m.before()
	var unvisited []int
	for i, s := range m.Graph.States {
		if slices.ContainsFunc(s.Edges, is) {
			states.Add(i)
			unvisited = append(unvisited, i)
		}
	}
	for len(unvisited) > 0 {
		to := unvisited[len(unvisited)-1]
		unvisited = unvisited[:len(unvisited)-1]
		for _, e := range before[to] {
			if hidden.Has(e.Action) && !states.Has(e.To) {
				states.Add(e.To)
				unvisited = append(unvisited, e.To)
			}
		}
	}
	return states
}

// edgesBefore returns, for each state, the edges that lead to it, with the states that
// they come from as To.
func edgesBefore(g *graph.Graph) [][]graph.Edge {
	before := make([][]graph.Edge, len(g.States))
	for i, s := range g.States {
		for _, e := range s.Edges {
			before[e.To] = append(before[e.To], graph.Edge{Action: e.Action, To: i})
		}
	}
	return before
}

// CanReturn returns how many more stops can return after a state, at most most.
func (m *Machine) CanReturn(state, most int) int {
	returns := m.returns()
	for n, can := range returns {
		if n == most || !can.Has(state) {
			return n
		}
	}
	if n := len(returns); n == 0 || n == 1 || returns[n-1] != returns[n-2] {
		return min(most, n)
	}
	return most // again and again
}

// Where returns the states in which a variable has a value. It is empty if the graph does
// not have the variable or the value.
func (m *Machine) Where(variable, value string) StateSet {
	if v := slices.Index(m.Graph.Variables, variable); v >= 0 {
		for i := range m.values[v] {
			if m.values[v][i].value == value {
				return m.values[v][i].states
			}
		}
	}
	return StateSet{}
}

// Phases is the set of states in one of these phases of a thread's life.
func (m *Machine) Phases(names ...string) StateSet {
	var s StateSet
	for _, n := range names {
		s = s.Union(m.Where("phase", n))
	}
	return s
}

// Enabled is the set of states in which one of the actions can happen.
func (m *Machine) Enabled(by ActionSet) StateSet {
	var s StateSet
	for i, st := range m.Graph.States {
		for _, e := range st.Edges {
			if by.Has(e.Action) {
				s.Add(i)
			}
		}
	}
	return s
}

// Shortest returns a shortest way from a state of one set to a state of another, as indices
// of actions. ok is false if there is none.
func (m *Machine) Shortest(from, to StateSet) (way []int, ok bool) {
	type step struct{ from, action int }
	came := make(map[int]step)
	var queue []int
	from.Each(func(i int) {
		came[i] = step{-1, -1}
		queue = append(queue, i)
	})
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		if to.Has(i) {
			for came[i].from >= 0 {
				way = append([]int{came[i].action}, way...)
				i = came[i].from
			}
			return way, true
		}
		for _, e := range m.Graph.States[i].Edges {
			if _, seen := came[e.To]; !seen {
				came[e.To] = step{i, e.Action}
				queue = append(queue, e.To)
			}
		}
	}
	return nil, false
}

// Agree says whether a variable has the same value in all states of a set.
func (m *Machine) Agree(variable string, states StateSet) bool {
	var value string
	states.Each(func(i int) { value = m.Graph.Value(i, variable) })
	return states.Minus(m.Where(variable, value)).Empty()
}

// describe names what the states of a set have in common, and what differs.
func (m *Machine) describe(s StateSet) string {
	var parts []string
	for column, name := range m.Graph.Variables {
		var values []string
		s.Each(func(i int) {
			if v := m.Graph.States[i].Values[column]; !slices.Contains(values, v) {
				values = append(values, v)
			}
		})
		switch name {
		case "phase", "code", "ran", "should_stop", "should_park":
			parts = append(parts, name+" = "+strings.Join(values, " or "))
		}
	}
	return strings.Join(parts, "; ")
}
