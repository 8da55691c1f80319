package checker

import (
	"cmp"
	"context"
	"math"
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
	done   [maxTasks + maxQueues]uint16
}

// start is where a history begins.
func (q *question) start() stateSet {
	hidden := q.h.hidden
	if q.h.late {
		hidden = q.m.all
	}
	return q.m.closure(q.begin(), hidden)
}

// begin is start without what is hidden.
func (q *question) begin() stateSet {
	if q.h.from != nil {
		return *q.h.from
	}
	return q.m.start()
}

// isNext says whether it is the operation's turn in the orders that it stands in.
func (o *operation) isNext(w *walked) bool {
	for _, p := range o.in[:o.places] {
		if w.done[p.task] != p.seq {
			return false
		}
	}
	return true
}

// does is how an operation whose turn it is goes on from w; ok is false where it
// cannot.
func (q *question) does(in *operation, w walked) (next walked, ok bool) {
	for _, p := range in.in[:in.places] {
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

// model is KThreadAPI's graph as a porcupine model, from w on. It takes its steps
// from left, which is below 0 where they were not enough.
func (q *question) model(w walked, left *int) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return w },
		StepContext: func(ctx context.Context, state, input, _ any) (bool, any) {
			w := state.(walked)
			in, ok := input.(*operation)
			if ok && !in.isNext(&w) {
				return false, w // that costs no memory
			}
			if *left--; *left < 0 {
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
	}
}

// operations are some of the history's in porcupine's form, with a last operation
// after all others.
func operations(list []*operation, last any) []porcupine.Operation {
	ops := make([]porcupine.Operation, 0, len(list)+1)
	for _, o := range list {
		ops = append(ops, porcupine.Operation{Input: o, Call: o.from, Return: o.to})
	}
	return append(ops, porcupine.Operation{Input: last, Call: never + 1, Return: never + 1})
}

// parts are the history's operations in parts, of which one is over before the
// next begins: all that a part leaves to the next one are the states in which it
// may end. On the way some is left out that changes no answer; ok is false where
// no order can be. None of it narrows the evidence: it only says what follows
// from it for every order.
func (q *question) parts() (parts [][]*operation, ok bool) {
	list := make([]*operation, 0, len(q.h.ops))
	var last [maxTasks]*operation
	var of [maxTasks]int // how many operations a task has
	still := slices.ContainsFunc(q.h.ops, func(o operation) bool { return o.still })
	for i := range q.h.ops {
		o := q.h.ops[i]
		if o.optional && o.places == 0 && !still && o.actions&^q.h.hidden == 0 {
			continue // it may also have happened unseen, or not at all
		}
		for _, p := range o.in[:o.places] {
			// What a task does comes after what it did before.
			if last[p.task] != nil {
				o.from = max(o.from, last[p.task].from)
			}
			last[p.task] = &o
			of[p.task]++
		}
		list = append(list, &o)
	}
	last = [maxTasks]*operation{}
	for i := len(list) - 1; i >= 0; i-- {
		o := list[i]
		alone := true
		for _, p := range o.in[:o.places] {
			if last[p.task] != nil {
				o.to = min(o.to, last[p.task].to)
			}
			last[p.task] = o
			alone = alone && of[p.task] == 1
		}
		if alone {
			o.places = 0 // its tasks do nothing else
		}
		if o.from > o.to {
			return nil, false
		}
	}
	slices.SortStableFunc(list, func(a, b *operation) int { return cmp.Compare(a.from, b.from) })
	queue(list)
	var to int64 = math.MinInt64
	begin := 0
	for i, o := range list {
		if i > begin && (o.from > to || isGate(list[begin:], i-1-begin)) {
			parts = append(parts, list[begin:i])
			begin = i
		}
		to = max(to, o.to)
	}
	return append(parts, list[begin:]), true
}

// isGate says whether all operations before the one with index i of a list come
// before it in every order, and all behind it after it: tasks that meet there have
// no other way. The list is in the order of its windows' beginnings.
func isGate(list []*operation, i int) bool {
	gate := list[i]
	if gate.places == 0 || i > maxGate {
		return false
	}
	before := func(a, b *operation) bool {
		if a.to < b.from {
			return true
		}
		for _, p := range a.in[:a.places] {
			for _, r := range b.in[:b.places] {
				if p.task == r.task {
					return p.seq < r.seq
				}
			}
		}
		return false
	}
	for _, o := range list[i+1:] {
		if o.from > gate.to {
			break
		}
		if !before(gate, o) {
			return false
		}
	}
	return !slices.ContainsFunc(list[:i], func(o *operation) bool { return !before(o, gate) })
}

// maxGate bounds how far a gate is looked for.
const maxGate = 1 << 10

// queue puts equal operations in order. Of two that differ in their windows
// alone, of which one begins and ends no later than the other, that one may come
// first: wherever it comes second the two can change places.
func queue(list []*operation) {
	var line [maxQueues]*operation // the last in each
	var next [maxQueues]uint16
	n := 0
	for _, o := range list {
		if o.places > 0 || o.observes || o.carries || o.still {
			continue
		}
		i := slices.IndexFunc(line[:n], func(p *operation) bool {
			return p.actions == o.actions && p.optional == o.optional && p.to <= o.to
		})
		if i < 0 {
			if n == maxQueues {
				continue
			}
			i = n
			n++
		}
		o.in[0], o.places = place{int8(maxTasks + i), next[i]}, 1
		line[i] = o
		next[i]++
	}
}

// maxQueues is how many kinds of equal operations are put in order.
const maxQueues = 8

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
	left := maxSteps
	return q.searchWithin(&left)
}

// searchWithin is search with so many steps, which it takes off.
func (q *question) searchWithin(left *int) (stateSet, answer) {
	w := walked{states: q.start()}
	start := time.Now()
	parts, ok := q.parts()
	if !ok || w.states.empty() {
		return stateSet{}, no
	}
	for _, part := range parts {
		timeout := q.timeout
		if timeout > 0 {
			if timeout -= time.Since(start); timeout <= 0 {
				return stateSet{}, undecided
			}
		}
		if len(part) == 1 { // there is nothing to put in order
			if *left--; *left < 0 {
				return stateSet{}, undecided
			}
			next, ok := q.does(part[0], w)
			if !ok || !part[0].isNext(&w) {
				return stateSet{}, no
			}
			w = next
			continue
		}
		var c collector
		result := porcupine.CheckOperationsTimeout(q.model(w, left), operations(part, &c), timeout)
		switch {
		case result == porcupine.Unknown || *left < 0:
			return stateSet{}, undecided
		case c.ends.empty():
			return stateSet{}, no
		}
		w.states = c.ends
		for _, o := range part {
			for _, p := range o.in[:o.places] {
				w.done[p.task]++
			}
		}
	}
	return w.states, yes
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
	list := make([]*operation, len(plain.ops))
	for i := range list {
		list[i] = &plain.ops[i]
	}
	if way, ok := (&question{q.m, &plain, q.timeout}).order(list, g, maxTries); ok {
		return way, true
	}
	parts, ok := q.parts()
	if !ok {
		return nil, false
	}
	return q.order(slices.Concat(parts...), g, maxSteps)
}

// maxTries bounds the search for the interleaving that reads best.
const maxTries = 1 << 16

// order finds an order of operations that ends in one of the goal's states.
func (q *question) order(list []*operation, g stateSet, left int) ([]step, bool) {
	result, info := porcupine.CheckOperationsVerbose(q.model(walked{states: q.start()}, &left), operations(list, goal(g)), q.timeout)
	if result != porcupine.Ok || left < 0 {
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
	came := make(map[at]arrival)
	var queue []at
	starts := q.begin()
	starts.each(func(i int) {
		came[at{0, i}] = arrival{}
		queue = append(queue, at{0, i})
	})
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
			for p.done > 0 || !starts.has(p.state) {
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
