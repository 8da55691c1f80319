package model

import (
	"encoding/binary"
	"math/bits"

	"github.com/kthread-tla/tracecheck/spec/graph"
)

// A StateSet is a set of states of the graph. It is comparable.
type StateSet [graph.MaxStates / 64]uint64

// Add adds the state with index i.
func (s *StateSet) Add(i int) { s[i/64] |= 1 << (i % 64) }

// Has says whether the state with index i is in the set.
func (s StateSet) Has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

// Empty says whether no state is in the set.
func (s StateSet) Empty() bool { return s == StateSet{} }

// Union is the set of the states that are in s or in t.
func (s StateSet) Union(t StateSet) StateSet {
	for i := range s {
		s[i] |= t[i]
	}
	return s
}

// Intersect is the set of the states that are in both s and t.
func (s StateSet) Intersect(t StateSet) StateSet {
	for i := range s {
		s[i] &= t[i]
	}
	return s
}

// Minus is the set of the states of s that are not in t.
func (s StateSet) Minus(t StateSet) StateSet {
	for i := range s {
		s[i] &^= t[i]
	}
	return s
}

// Each calls f with the index of every state of the set, in ascending order.
func (s StateSet) Each(f func(int)) {
	for w, word := range s {
		for word != 0 {
			f(w*64 + bits.TrailingZeros64(word))
			word &= word - 1
		}
	}
}

// An ActionSet is a set of the graph's actions. A graph has fewer than 64.
type ActionSet uint64

// Has says whether the action with index a is in the set.
func (s ActionSet) Has(a int) bool { return s&(1<<a) != 0 }

func (s StateSet) bytes() []byte {
	b := make([]byte, 0, 8*len(s))
	for _, w := range s {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}
