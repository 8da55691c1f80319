// Package languages compares what two specifications let an observer see.
//
// TLC dumps the state graph of each. An action of the graph is seen under a
// name, or not at all, and what can be seen is a set of words: the names along
// every path from the initial state, complete or not. Two graphs whose sets
// are equal cannot be told apart by looking at a run.
//
// That is equality of weak trace languages, and no more. It does not say that
// both must do what they may (liveness: a graph that can stop anywhere has the
// same words as one that goes on), nor that after the same word both leave the
// same choices open (branching: an automaton that has decided secretly and one
// that has not decided yet have the same words).
package languages

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Hidden is the name under which a step is not seen.
const Hidden = ""

// An Automaton is a state graph whose edges are named by what is seen of them.
// Every state is an end: what has been seen so far is a word.
type Automaton struct {
	Start  int
	States [][]Edge
}

// An Edge leads to state To and is seen as Seen, or is Hidden.
type Edge struct {
	Seen string
	To   int
}

// Edges is the number of edges.
func (a *Automaton) Edges() (n int) {
	for _, edges := range a.States {
		n += len(edges)
	}
	return n
}

// Rename is the automaton with every edge's name replaced. A name that is not
// in the table is an error; so is, to the caller, a name of the table that is
// in no automaton: used collects those that are.
func (a *Automaton) Rename(table map[string]string, used map[string]bool) (*Automaton, error) {
	b := &Automaton{Start: a.Start, States: make([][]Edge, len(a.States))}
	for i, edges := range a.States {
		b.States[i] = make([]Edge, len(edges))
		for j, e := range edges {
			seen, ok := table[e.Seen]
			if !ok {
				return nil, fmt.Errorf("action %s has no entry", e.Seen)
			}
			used[e.Seen] = true
			b.States[i][j] = Edge{seen, e.To}
		}
	}
	return b, nil
}

// Determinise is the automaton, with the same words, that has no hidden edge
// and no state with two edges of one name: its states are sets of states, those
// that a word can have led to. Edges are sorted by name.
func (a *Automaton) Determinise() *Automaton {
	d := &Automaton{}
	index := map[string]int{}
	var sets [][]int
	mark := make([]int, len(a.States)) // the last set that a state was put into
	round := 0
	// add is the index of the set of all states that hidden edges lead to from
	// the given ones. A cycle of them is walked once.
	add := func(set []int) int {
		round++
		for _, s := range set {
			mark[s] = round
		}
		for i := 0; i < len(set); i++ {
			for _, e := range a.States[set[i]] {
				if e.Seen == Hidden && mark[e.To] != round {
					mark[e.To] = round
					set = append(set, e.To)
				}
			}
		}
		slices.Sort(set)
		key := make([]byte, 0, 3*len(set))
		for _, s := range set {
			key = binary.AppendUvarint(key, uint64(s))
		}
		i, ok := index[string(key)]
		if !ok {
			i = len(sets)
			index[string(key)] = i
			sets = append(sets, set)
		}
		return i
	}
	add([]int{a.Start})
	for i := 0; i < len(sets); i++ {
		next := map[string][]int{}
		for _, s := range sets[i] {
			for _, e := range a.States[s] {
				if e.Seen != Hidden {
					next[e.Seen] = append(next[e.Seen], e.To)
				}
			}
		}
		var edges []Edge
		for _, seen := range slices.Sorted(maps.Keys(next)) {
			to := next[seen]
			slices.Sort(to)
			edges = append(edges, Edge{seen, add(slices.Compact(to))})
		}
		d.States = append(d.States, edges)
	}
	return d
}

// A Difference is a word that one automaton allows and the other does not. All
// but its last name both allow; no difference is shorter.
type Difference struct {
	Word []string
	In   int // 0: the first automaton allows it, 1: the second
}

func (d *Difference) String() string {
	return fmt.Sprintf("only the %s allows: %s", [2]string{"first", "second"}[d.In], strings.Join(d.Word, " "))
}

// Compare finds the shortest word in which two automata differ, nil if their
// words are the same. Both must be deterministic, as Determinise returns them.
// Of several shortest words it is the one that is first in the order of names.
func Compare(a, b *Automaton) *Difference {
	type pair struct{ a, b int }
	type step struct {
		from int // index in queue
		seen string
	}
	queue := []pair{{a.Start, b.Start}}
	steps := []step{{-1, ""}}
	known := map[pair]bool{queue[0]: true}
	word := func(i int, last string) []string {
		w := []string{last}
		for ; steps[i].from >= 0; i = steps[i].from {
			w = append(w, steps[i].seen)
		}
		slices.Reverse(w)
		return w
	}
	for i := 0; i < len(queue); i++ {
		ea, eb := a.States[queue[i].a], b.States[queue[i].b]
		for len(ea) > 0 || len(eb) > 0 {
			switch {
			case len(eb) == 0 || len(ea) > 0 && ea[0].Seen < eb[0].Seen:
				return &Difference{word(i, ea[0].Seen), 0}
			case len(ea) == 0 || eb[0].Seen < ea[0].Seen:
				return &Difference{word(i, eb[0].Seen), 1}
			}
			if p := (pair{ea[0].To, eb[0].To}); !known[p] {
				known[p] = true
				queue = append(queue, p)
				steps = append(steps, step{i, ea[0].Seen})
			}
			ea, eb = ea[1:], eb[1:]
		}
	}
	return nil
}
