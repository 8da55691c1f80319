package checker

import (
	"math/bits"
	"slices"
	"sync"

	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces"
)

// A stateSet is a set of states of the graph. It is comparable.
type stateSet [graph.MaxStates / 64]uint64

func (s *stateSet) add(i int)     { s[i/64] |= 1 << (i % 64) }
func (s stateSet) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }
func (s stateSet) empty() bool    { return s == stateSet{} }

func (s stateSet) union(t stateSet) stateSet {
	for i := range s {
		s[i] |= t[i]
	}
	return s
}

func (s stateSet) intersect(t stateSet) stateSet {
	for i := range s {
		s[i] &= t[i]
	}
	return s
}

func (s stateSet) minus(t stateSet) stateSet {
	for i := range s {
		s[i] &^= t[i]
	}
	return s
}

// each calls f for every state of the set, in order.
func (s stateSet) each(f func(int)) {
	for w, word := range s {
		for word != 0 {
			f(w*64 + bits.TrailingZeros64(word))
			word &= word - 1
		}
	}
}

func (s stateSet) hash() uint64 {
	h := uint64(14695981039346656037)
	for _, w := range s {
		h = (h ^ w) * 1099511628211
		h ^= h >> 29
	}
	return h
}

// An actionSet is a set of the graph's actions. A graph has fewer than 64.
type actionSet uint64

func (s actionSet) has(a int) bool { return s&(1<<a) != 0 }

// A machine is a state graph made ready to be walked by sets of states.
type machine struct {
	g    *graph.Graph
	next [][]stateSet   // [action][state]: where the action leads
	told [][]graph.Edge // each state's edges, in the order of Actions: for a witness
	all  actionSet
	idle []actionSet // [action]: the actions that change nothing once it has happened

	skips bool // a stop can find the thread gone (to 4.9)

	// returns[n] are the states from which n+1 more stops can return; the last
	// of them stands for any more.
	returns []stateSet

	shapes cache[answered] // what searches have found

	having map[[2]string]stateSet // by variable and value: the states that have it
	named  map[string]actionSet   // by an action's name

	mu      sync.Mutex
	reached map[actionSet][]stateSet // by hidden actions: what each state becomes
}

func newMachine(g *graph.Graph) *machine {
	m := &machine{
		g: g, next: make([][]stateSet, len(g.Actions)), all: 1<<len(g.Actions) - 1,
		reached: make(map[actionSet][]stateSet), having: make(map[[2]string]stateSet), named: make(map[string]actionSet),
	}
	for a, name := range g.Actions {
		m.named[name] = 1 << a
	}
	for i, s := range g.States {
		for v, value := range s.Values {
			key := [2]string{g.Variables[v], value}
			states := m.having[key]
			states.add(i)
			m.having[key] = states
		}
	}
	for a := range m.next {
		m.next[a] = make([]stateSet, len(g.States))
	}
	for i, s := range g.States {
		for _, e := range s.Edges {
			m.next[e.Action][i].add(e.To)
		}
	}
	order := make([]int, len(g.Actions))
	for a, name := range g.Actions {
		order[a] = position(name)
	}
	for _, s := range g.States {
		edges := slices.Clone(s.Edges)
		slices.SortStableFunc(edges, func(a, b graph.Edge) int { return order[a.Action] - order[b.Action] })
		m.told = append(m.told, edges)
	}
	m.countReturns(m.actions(shown[traces.StopReturn]...))
	m.skips = m.actions("StopSkipValue") != 0
	reached := m.reach(m.all)
	moves := make([]actionSet, len(g.States)) // by state: the actions that lead elsewhere
	for i, s := range g.States {
		for _, e := range s.Edges {
			if e.To != i {
				moves[i] |= 1 << e.Action
			}
		}
	}
	for a := range m.next {
		// Whatever happens after the action, which lead nowhere else any more?
		var after stateSet
		for _, to := range m.next[a] {
			to.each(func(i int) { after = after.union(reached[i]) })
		}
		idle := m.all
		after.each(func(i int) { idle &^= moves[i] })
		m.idle = append(m.idle, idle)
	}
	m.reached[m.all] = reached
	return m
}

// settles says whether none of the actions changes anything once one of them
// has happened.
func (m *machine) settles(by actionSet) bool {
	for a, idle := range m.idle {
		if by.has(a) && by&^idle != 0 {
			return false
		}
	}
	return by != 0
}

// actions is the set of actions with these names. A name that the graph does
// not know is an action that can never happen.
func (m *machine) actions(names ...string) actionSet {
	var s actionSet
	for _, n := range names {
		s |= m.named[n]
	}
	return s
}

func (m *machine) start() stateSet {
	var s stateSet
	s.add(m.g.Start)
	return s
}

// step is where one of the actions leads from the states of s.
func (m *machine) step(s stateSet, by actionSet) stateSet {
	var to stateSet
	for a := range m.next {
		if by.has(a) {
			s.each(func(i int) { to = to.union(m.next[a][i]) })
		}
	}
	return to
}

// closure is s and all that any number of hidden actions makes of it.
func (m *machine) closure(s stateSet, hidden actionSet) stateSet {
	m.mu.Lock()
	reached := m.reached[hidden]
	if reached == nil {
		reached = m.reach(hidden)
		m.reached[hidden] = reached
	}
	m.mu.Unlock()
	t := s
	s.each(func(i int) { t = t.union(reached[i]) })
	return t
}

// reach is, for each state, itself and all that hidden actions make of it.
func (m *machine) reach(hidden actionSet) []stateSet {
	reached := make([]stateSet, len(m.g.States))
	for i := range reached {
		reached[i].add(i)
	}
	for changed := true; changed; {
		changed = false
		for i := len(reached) - 1; i >= 0; i-- {
			s := reached[i]
			for _, e := range m.g.States[i].Edges {
				if e.To != i && hidden.has(e.Action) {
					s = s.union(reached[e.To])
				}
			}
			if s != reached[i] {
				reached[i], changed = s, true
			}
		}
	}
	return reached
}

// countReturns fills returns in.
func (m *machine) countReturns(by actionSet) {
	var left stateSet
	for i := range m.g.States {
		left.add(i)
	}
	reached := m.reach(m.all &^ by)
	for {
		// From which states does a return lead into left, perhaps after other
		// actions?
		var at, can stateSet
		for i, s := range m.g.States {
			for _, e := range s.Edges {
				if by.has(e.Action) && left.has(e.To) {
					at.add(i)
				}
			}
		}
		for i := range m.g.States {
			if !reached[i].intersect(at).empty() {
				can.add(i)
			}
		}
		if can.empty() {
			return
		}
		m.returns = append(m.returns, can)
		if can == left {
			return
		}
		left = can
	}
}

// canReturn says how many more stops can return from a state on, up to most.
func (m *machine) canReturn(state, most int) int {
	for n, can := range m.returns {
		if n == most || !can.has(state) {
			return n
		}
	}
	if n := len(m.returns); n == 0 || n == 1 || m.returns[n-1] != m.returns[n-2] {
		return min(most, n)
	}
	return most // again and again
}

// where is the set of states in which a variable has a value.
func (m *machine) where(variable, value string) stateSet { return m.having[[2]string{variable, value}] }

// phases is the set of states in one of these phases of a thread's life.
func (m *machine) phases(names ...string) stateSet {
	var s stateSet
	for _, n := range names {
		s = s.union(m.where("phase", n))
	}
	return s
}

// enabled is the set of states in which one of the actions can happen.
func (m *machine) enabled(by actionSet) stateSet {
	var s stateSet
	for i, st := range m.g.States {
		for _, e := range st.Edges {
			if by.has(e.Action) {
				s.add(i)
			}
		}
	}
	return s
}

// shortest is a shortest way, as actions, from a state of one set to a state
// of another; ok is false where there is none.
func (m *machine) shortest(from, to stateSet) (way []int, ok bool) {
	type step struct{ from, action int }
	came := make(map[int]step)
	var queue []int
	from.each(func(i int) {
		came[i] = step{-1, -1}
		queue = append(queue, i)
	})
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		if to.has(i) {
			for came[i].from >= 0 {
				way = append([]int{came[i].action}, way...)
				i = came[i].from
			}
			return way, true
		}
		for _, e := range m.g.States[i].Edges {
			if _, seen := came[e.To]; !seen {
				came[e.To] = step{i, e.Action}
				queue = append(queue, e.To)
			}
		}
	}
	return nil, false
}
