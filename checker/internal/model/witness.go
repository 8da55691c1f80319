package model

import (
	"slices"

	"github.com/anishathalye/porcupine"
)

// A Step is one action of an interleaving.
type Step struct {
	Action int // index in the graph's actions
	Event  int // the Event of its operation; -1: the action is hidden
}

// Witness is an interleaving that fits and ends in one of the goal's states. If
// it can, it has no hidden action of a kind that the log shows.
func (q *Query) Witness(g StateSet) ([]Step, bool) {
	key := append(q.Key(), g.bytes()...)
	if known, ok := q.Machine.Answers.Get(key); ok {
		return known.way, known.way != nil
	}
	way, ok := q.findWitness(g)
	if ok {
		q.Machine.Answers.Put(key, Found{way: way})
	}
	return way, ok
}

func (q *Query) findWitness(g StateSet) ([]Step, bool) {
	plain := *q
	plain.Operations = slices.Clone(q.Operations)
	for i := range plain.Operations {
		o := &plain.Operations[i]
		if o.Event < 0 || o.Observes {
			continue
		}
		plain.Hidden &^= o.Actions
		// And if it can, no call is refused or in vain.
		if granted := o.Actions &^ q.Machine.Actions("ParkBusy", "ParkAlready", "ParkGone"); granted != 0 {
			o.Actions = granted
		}
	}
	list := make([]*Operation, len(plain.Operations))
	for i := range list {
		list[i] = &plain.Operations[i]
	}
	if way, ok := plain.order(list, g, maxTries); ok {
		return way, true
	}
	parts, ok := q.parts()
	if !ok {
		return nil, false
	}
	return q.order(slices.Concat(parts...), g, MaxSteps)
}

// maxTries bounds the search for the interleaving that reads best.
const maxTries = 1 << 16

// order finds an order of operations that ends in one of the goal's states.
func (q *Query) order(list []*Operation, g StateSet, left int) ([]Step, bool) {
	result, info := porcupine.CheckOperationsVerbose(q.porcupineModel(q.startWalk(), &left), operations(list, goal(g)), q.Timeout)
	if result != porcupine.Ok || left < 0 {
		return nil, false
	}
	order := info.PartialLinearizationsOperations()[0][0]
	ops := make([]*Operation, 0, len(order))
	for _, o := range order {
		if op, ok := o.Input.(*Operation); ok {
			ops = append(ops, op)
		}
	}
	return q.walk(ops, g)
}

// walk finds a shortest path through the graph that does the operations in
// their order, with hidden actions between them.
func (q *Query) walk(ops []*Operation, g StateSet) ([]Step, bool) {
	type at struct{ done, state int }
	type arrival struct {
		from at
		step Step
		null bool // an optional operation that did not happen
	}
	came := make(map[at]arrival)
	var queue []at
	starts := q.begin()
	starts.Each(func(i int) {
		came[at{0, i}] = arrival{}
		queue = append(queue, at{0, i})
	})
	visit := func(to at, by arrival) {
		if _, seen := came[to]; !seen {
			came[to] = by
			queue = append(queue, to)
		}
	}
	inOrder := q.Machine.inOrder()
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		if p.done == len(ops) && g.Has(p.state) {
			var way []Step
			for p.done > 0 || !starts.Has(p.state) {
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
		edges := inOrder[p.state]
		hidden := q.Hidden
		if p.done == 0 && q.Late {
			hidden = q.Machine.All
		}
		for _, e := range edges {
			if hidden.Has(e.Action) && e.To != p.state {
				visit(at{p.done, e.To}, arrival{from: p, step: Step{e.Action, -1}})
			}
		}
		if p.done == len(ops) {
			continue
		}
		o := ops[p.done]
		for _, e := range edges {
			if o.Actions.Has(e.Action) {
				visit(at{p.done + 1, e.To}, arrival{from: p, step: Step{e.Action, o.Event}})
			}
		}
		if o.Optional || o.OrderOnly || o.Observes && o.Only.Has(p.state) {
			visit(at{p.done + 1, p.state}, arrival{from: p, null: true})
		}
	}
	return nil, false
}
