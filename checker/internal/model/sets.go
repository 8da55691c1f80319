package model

import "sync"

// A setID is the number of a set of states that a search has come to. Searches of many
// lives come to few sets, and the same steps lead from one to another. So a Machine keeps
// each set once, and where each step leads from it: step by step it becomes deterministic.
type setID int32

// sets are the sets of states that a machine's searches have come to.
type sets struct {
	mu   sync.Mutex
	ids  map[StateSet]setID
	list []StateSet // by setID; the first is the empty set
	next map[step]setID
}

// empty is the number of the set without states.
const empty setID = 0

// A step leads from a set to another one: by an operation, and then by hidden actions.
type step struct {
	from    setID
	actions ActionSet // of the operation; 0 where it observes, or is of an order only
	only    setID     // what it observes; 0: it does not
	hidden  ActionSet
	mode    byte // which of the operation's flags are set, see Operation.mode
}

// maxSets bounds the sets that are kept. When there are more, the search goes on with new
// ones: see Machine.working.
const maxSets = 1 << 13

func newSets() *sets {
	s := &sets{ids: make(map[StateSet]setID), next: make(map[step]setID)}
	s.id(StateSet{})
	return s
}

// id returns the number of a set. The lock must be held, or s be new.
func (s *sets) id(of StateSet) setID {
	id, ok := s.ids[of]
	if !ok {
		id = setID(len(s.list))
		s.ids[of] = id
		s.list = append(s.list, of)
	}
	return id
}

// working returns the sets for another search. Those of long logs with many kinds of lives
// are dropped when there are too many.
func (m *Machine) working() *sets {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sets == nil || m.sets.len() > maxSets {
		m.sets = newSets()
	}
	return m.sets
}

func (s *sets) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.list)
}

// of returns the set with a number.
func (s *sets) of(id setID) StateSet {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list[id]
}

// put returns the number of a set.
func (s *sets) put(of StateSet) setID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id(of)
}

// mode has the flags of an operation that a step depends on.
func (o *Operation) mode() (mode byte) {
	for i, flag := range [...]bool{o.Observes, o.OrderOnly, o.Optional, o.UntilEnd} {
		if flag {
			mode |= 1 << i
		}
	}
	return mode
}

// step returns the set to which an operation leads, and then the hidden actions. It is
// the empty set where the operation is not possible.
func (s *sets) step(m *Machine, from setID, o *Operation, hidden ActionSet) setID {
	s.mu.Lock()
	defer s.mu.Unlock()
	by := step{from: from, hidden: hidden, mode: o.mode()}
	switch {
	case o.Observes:
		by.only = s.id(o.Only)
	case !o.OrderOnly:
		by.actions = o.Actions
	}
	to, ok := s.next[by]
	if !ok {
		to = s.id(m.apply(s.list[from], o, hidden))
		s.next[by] = to
	}
	return to
}

// apply is step without what is kept.
func (m *Machine) apply(states StateSet, o *Operation, hidden ActionSet) StateSet {
	switch {
	case o.Observes:
		states = states.Intersect(o.Only)
	case !o.OrderOnly:
		to := m.Step(states, o.Actions)
		if o.Optional {
			to = to.Union(states)
		}
		states = to
	}
	if !o.UntilEnd {
		states = m.Closure(states, hidden)
	}
	return states
}
