package model

import (
	"math/rand/v2"
	"testing"

	"github.com/kthread-tla/tracecheck/spec/graph"
)

// The closure of a state is that of the table of all states.
func TestClosureIsOfTheTable(t *testing.T) {
	for _, kernel := range graph.KThreadAPI.Kernels() {
		g, err := graph.Load(graph.KThreadAPI, kernel)
		if err != nil {
			t.Fatal(err)
		}
		m := New(g, nil)
		rng := rand.New(rand.NewPCG(1, 2))
		for range 50 {
			hidden := m.All & ActionSet(rng.Uint64())
			table := m.reachedBy(hidden)
			for _, i := range rng.Perm(len(g.States)) {
				var s StateSet
				s.Add(i)
				if got := m.Closure(s, hidden); got != table[i] {
					t.Fatalf("Linux %s, hidden %b: from state %d to %v, want %v", kernel, hidden, i, got, table[i])
				}
			}
		}
	}
}
