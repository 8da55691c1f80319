package model

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kthread-tla/tracecheck/spec/graph"
)

// porcupine's answer against a search that knows nothing but windows and the
// chains.
func TestSearchAgreesWithBruteForce(t *testing.T) {
	var machines []*Machine
	for _, kernel := range graph.KThreadAPI.Kernels() {
		g, err := graph.Load(graph.KThreadAPI, kernel)
		if err != nil {
			t.Fatal(err)
		}
		machines = append(machines, New(g, g.Actions))
	}
	runs, fits := 3000, 0
	for seed := range runs {
		rng := rand.New(rand.NewPCG(uint64(seed), 3))
		m := machines[seed%len(machines)]
		q := &Query{Machine: m, Hidden: ActionSet(rng.Uint64()) & m.All, Late: rng.IntN(5) == 0, Timeout: time.Minute}
		if rng.IntN(3) == 0 {
			q.Hidden |= ActionSet(rng.Uint64()) & m.All
		}
		some := func() (a ActionSet) {
			for a == 0 {
				a = ActionSet(rng.Uint64()) & m.All
				a &= ActionSet(rng.Uint64()) // few of them
				if rng.IntN(2) == 0 {
					a &= ActionSet(rng.Uint64())
				}
			}
			return a
		}
		var next [MaxChains]uint16
		chains := rng.IntN(7)
		for range 1 + rng.IntN(6) {
			from := int64(rng.IntN(10))
			o := Operation{From: from, To: from + int64(rng.IntN(6)), Optional: rng.IntN(4) == 0, Event: -1}
			if rng.IntN(6) == 0 {
				o.To = Never
			}
			if n := len(q.Operations); n > 0 && rng.IntN(3) == 0 { // one that is equal to another
				o.Actions, o.Optional = q.Operations[rng.IntN(n)].Actions, q.Operations[rng.IntN(n)].Optional
			}
			if o.Actions == 0 {
				o.Actions = some()
			}
			switch rng.IntN(8) {
			case 0:
				o.Observes, o.Optional = true, false
				for i := range m.Graph.States {
					if rng.IntN(4) > 0 {
						o.Only.Add(i)
					}
				}
			case 1:
				o.OrderOnly, o.Actions, o.Optional = true, 0, false
			case 2:
				o.UntilEnd = rng.IntN(3) == 0
			}
			for chain := range chains {
				if o.Places < len(o.In) && rng.IntN(2) == 0 {
					o.In[o.Places] = Place{int8(chain), next[chain]}
					o.Places++
					next[chain]++
				}
			}
			q.Operations = append(q.Operations, o)
		}
		got, ans := q.search()
		want := bruteForce(q, q.start(), make([]bool, len(q.Operations)))
		if got != want || (ans == Yes) == want.Empty() {
			t.Fatalf("seed %d: got %v (%v), want %v", seed, got, ans, want)
		}
		if ans == Yes {
			fits++
		}
	}
	if fits < runs/10 || fits > runs*9/10 {
		t.Errorf("%d of %d histories fit: the test proves little", fits, runs)
	}
}

func bruteForce(q *Query, s StateSet, done []bool) StateSet {
	if s.Empty() {
		return s
	}
	all := true
	var ends StateSet
	for i, o := range q.Operations {
		if done[i] {
			continue
		}
		all = false
		first := true // no other open operation must be over before o begins
		for j, p := range q.Operations {
			if done[j] || j == i {
				continue
			}
			if p.To < o.From {
				first = false
			}
			for _, a := range p.In[:p.Places] {
				for _, b := range o.In[:o.Places] {
					if a.Chain == b.Chain && a.Seq < b.Seq {
						first = false
					}
				}
			}
		}
		if !first {
			continue
		}
		next := s
		switch {
		case o.Observes:
			next = s.Intersect(o.Only)
		case !o.OrderOnly:
			next = q.Machine.Step(s, o.Actions)
			if o.Optional {
				next = next.Union(s)
			}
		}
		if !o.UntilEnd {
			next = q.Machine.Closure(next, q.Hidden)
		}
		done[i] = true
		ends = ends.Union(bruteForce(q, next, done))
		done[i] = false
	}
	if all {
		return s
	}
	return ends
}
