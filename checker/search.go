package checker

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// An answer is what a search for a fitting order found.
type answer uint8

const (
	no answer = iota
	yes
	undecided // the time or the number of steps was not enough
)

// maxSteps bounds one search, and with it the memory that it takes: porcupine
// remembers every step that succeeded.
const maxSteps = 1 << 20

// A question is asked of a history: is there an order of its operations that
// walks the graph?
type question struct {
	m       *machine
	h       *history
	timeout time.Duration
}

// collector is the input of a last operation that takes note of every state in
// which a complete order ends, and refuses, so that porcupine goes on to the
// next order.
type collector struct {
	mu   sync.Mutex
	ends stateSet
}

// goal is the input of a last operation that is possible in its states only.
type goal stateSet

// A walked is how far a search has come: the states in which the object may be,
// hidden actions included, and how many operations of each task's own order
// are done.
type walked struct {
	states stateSet
	done   [maxTasks]uint16
}

// start is where a history begins.
func (q *question) start() stateSet {
	hidden := q.h.hidden
	if q.h.late {
		hidden = q.m.all
	}
	return q.m.closure(q.m.start(), hidden)
}

// does is how an operation goes on from w; ok is false where it cannot.
func (q *question) does(in *operation, w walked) (next walked, ok bool) {
	for _, p := range in.in[:in.places] {
		if w.done[p.task] != p.seq {
			return w, false
		}
		w.done[p.task]++
	}
	switch {
	case in.observes:
		w.states = w.states.intersect(in.only)
	case !in.carries:
		to := q.m.step(w.states, in.actions)
		if in.optional {
			to = to.union(w.states)
		}
		w.states = to
	}
	if !in.still {
		w.states = q.m.closure(w.states, q.h.hidden)
	}
	return w, !w.states.empty()
}

// model is KThreadAPI's graph as a porcupine model.
func (q *question) model() (porcupine.Model, *bool) {
	steps, over := 0, false
	return porcupine.Model{
		Init: func() any { return walked{states: q.start()} },
		StepContext: func(ctx context.Context, state, input, _ any) (bool, any) {
			w := state.(walked)
			if steps++; steps > maxSteps {
				over = true
				return false, w
			}
			switch in := input.(type) {
			case *operation:
				next, ok := q.does(in, w)
				return ok, next
			case *collector:
				in.mu.Lock()
				in.ends = in.ends.union(w.states)
				in.mu.Unlock()
				return false, w
			case goal:
				w.states = w.states.intersect(stateSet(in))
				return !w.states.empty(), w
			}
			return false, w
		},
		Equal: func(a, b any) bool { return a.(walked) == b.(walked) },
		Hash:  func(s any) uint64 { return s.(walked).states.hash() },
	}, &over
}

// operations is the history in porcupine's form, with a last operation after
// all others.
func (q *question) operations(last any) []porcupine.Operation {
	ops := make([]porcupine.Operation, 0, len(q.h.ops)+1)
	for i := range q.h.ops {
		o := &q.h.ops[i]
		ops = append(ops, porcupine.Operation{Input: o, Call: o.from, Return: o.to})
	}
	return append(ops, porcupine.Operation{Input: last, Call: never + 1, Return: never + 1})
}

// ends is the set of states in which some fitting order ends. One search
// answers two queries for every fact: whether an order exists in which it is
// so, and one in which it is not.
//
// Most lives of a long log have one of a few shapes: the answer is remembered.
func (q *question) ends() (stateSet, answer) {
	if q.h.differ[0] >= 0 {
		return stateSet{}, no
	}
	key := q.h.shape()
	if known, ok := q.m.shapes.get(key); ok {
		return known.ends, known.answer
	}
	ends, ans := q.search()
	if ans != undecided { // another time there may be more time
		q.m.shapes.put(key, answered{ends: ends, answer: ans})
	}
	return ends, ans
}

func (q *question) search() (stateSet, answer) {
	var c collector
	model, over := q.model()
	result := porcupine.CheckOperationsTimeout(model, q.operations(&c), q.timeout)
	if result == porcupine.Unknown || *over {
		return stateSet{}, undecided
	}
	if c.ends.empty() {
		return stateSet{}, no
	}
	return c.ends, yes
}

// A step is one action of an interleaving.
type step struct {
	action int // index in the graph's actions
	event  int // index in Life.Events of the event that shows it, -1: hidden
}

// witness is an interleaving that fits and ends in one of the goal's states. If
// it can, it has no hidden action of a kind that the log shows.
func (q *question) witness(g stateSet) ([]step, bool) {
	key := append(q.h.shape(), g.bytes()...)
	if known, ok := q.m.shapes.get(key); ok {
		return known.way, known.way != nil
	}
	way, ok := q.findWitness(g)
	if ok {
		q.m.shapes.put(key, answered{way: way})
	}
	return way, ok
}

func (q *question) findWitness(g stateSet) ([]step, bool) {
	plain := *q.h
	plain.ops = slices.Clone(q.h.ops)
	for i := range plain.ops {
		o := &plain.ops[i]
		if o.event < 0 || o.observes {
			continue
		}
		plain.hidden &^= o.actions
		// And if it can, no call is refused or in vain.
		if granted := o.actions &^ q.m.actions("ParkBusy", "ParkAlready", "ParkGone"); granted != 0 {
			o.actions = granted
		}
	}
	if way, ok := (&question{q.m, &plain, q.timeout}).order(g); ok {
		return way, true
	}
	return q.order(g)
}

func (q *question) order(g stateSet) ([]step, bool) {
	model, over := q.model()
	result, info := porcupine.CheckOperationsVerbose(model, q.operations(goal(g)), q.timeout)
	if result != porcupine.Ok || *over {
		return nil, false
	}
	order := info.PartialLinearizationsOperations()[0][0]
	ops := make([]*operation, 0, len(order))
	for _, o := range order {
		if op, ok := o.Input.(*operation); ok {
			ops = append(ops, op)
		}
	}
	return q.walk(ops, g)
}

// walk finds a shortest path through the graph that does the operations in
// their order, with hidden actions between them.
func (q *question) walk(ops []*operation, g stateSet) ([]step, bool) {
	type at struct{ done, state int }
	type arrival struct {
		from at
		step step
		null bool // an optional operation that did not happen
	}
	start := at{0, q.m.g.Start}
	came := map[at]arrival{start: {}}
	queue := []at{start}
	visit := func(to at, by arrival) {
		if _, seen := came[to]; !seen {
			came[to] = by
			queue = append(queue, to)
		}
	}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		if p.done == len(ops) && g.has(p.state) {
			var way []step
			for p != start {
				a := came[p]
				if !a.null {
					way = append(way, a.step)
				}
				p = a.from
			}
			slices.Reverse(way)
			return way, true
		}
		// Hidden actions first: of two ways of the same length the one in
		// which they come early reads better (create, wake, then the stop).
		edges := q.m.told[p.state]
		hidden := q.h.hidden
		if p.done == 0 && q.h.late {
			hidden = q.m.all
		}
		for _, e := range edges {
			if hidden.has(e.Action) && e.To != p.state {
				visit(at{p.done, e.To}, arrival{from: p, step: step{e.Action, -1}})
			}
		}
		if p.done == len(ops) {
			continue
		}
		o := ops[p.done]
		for _, e := range edges {
			if o.actions.has(e.Action) {
				visit(at{p.done + 1, e.To}, arrival{from: p, step: step{e.Action, o.event}})
			}
		}
		if o.optional || o.carries || o.observes && o.only.has(p.state) {
			visit(at{p.done + 1, p.state}, arrival{from: p, null: true})
		}
	}
	return nil, false
}
