package model

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// An Answer is what a search for a fitting order found.
type Answer uint8

const (
	No Answer = iota
	Yes
	Undecided // the time or the number of steps was not enough
)

// MaxSteps bounds the steps of one search. It also bounds the memory, because porcupine
// keeps every step that succeeded.
const MaxSteps = 1 << 20

// A Query asks whether there is an order of operations that walks the graph.
type Query struct {
	Machine    *Machine
	Operations []Operation
	Hidden     ActionSet     // what may have happened unseen, at any time
	Late       bool          // any actions may have happened before the operations
	From       *StateSet     // the states before the operations; nil: the graph's start
	Impossible bool          // the evidence contradicts itself: no order fits
	Timeout    time.Duration // 0: no limit

	sets *sets // of the search that goes on
}

// A collector is the input of an operation that is put behind all others. It notes the
// states in which an order ends, and then fails, so that porcupine tries the next order.
type collector struct {
	mu   sync.Mutex
	ends StateSet
}

// A goal is the input of an operation that is put behind all others. It succeeds only in
// the goal's states.
type goal StateSet

// A walked is the state of a search: the states of the graph that are possible, after any
// hidden actions, and the number of operations of each chain that are done.
type walked struct {
	states setID
	done   [MaxChains + maxQueues]uint16
}

// start returns the states in which the first operation may happen, after any hidden
// actions.
func (q *Query) start() StateSet {
	hidden := q.Hidden
	if q.Late {
		hidden = q.Machine.All
	}
	return q.Machine.Closure(q.begin(), hidden)
}

// startWalk begins a search.
func (q *Query) startWalk() walked {
	q.sets = q.Machine.working()
	return walked{states: q.sets.put(q.start())}
}

// begin returns the states before the operations and before any hidden action.
func (q *Query) begin() StateSet {
	if q.From != nil {
		return *q.From
	}
	return q.Machine.start()
}

// isNext says whether the operation is the next one of each of its chains.
func (o *Operation) isNext(w *walked) bool {
	for _, p := range o.In[:o.Places] {
		if w.done[p.Chain] != p.Seq {
			return false
		}
	}
	return true
}

// apply does an operation, which must be next, and returns the state of the search after
// it. ok is false if the operation is not possible.
func (q *Query) apply(in *Operation, w walked) (next walked, ok bool) {
	for _, p := range in.In[:in.Places] {
		w.done[p.Chain]++
	}
	w.states = q.sets.step(q.Machine, w.states, in, q.Hidden)
	return w, w.states != empty
}

// porcupineModel makes a porcupine model of the graph, which begins at w. It counts left
// down with each step. If left gets below 0, the search was cut short.
func (q *Query) porcupineModel(w walked, left *int) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return w },
		StepContext: func(ctx context.Context, state, input, _ any) (bool, any) {
			w := state.(walked)
			in, ok := input.(*Operation)
			if ok && !in.isNext(&w) {
				return false, w // porcupine keeps no failed step
			}
			if *left--; *left < 0 {
				return false, w
			}
			switch in := input.(type) {
			case *Operation:
				next, ok := q.apply(in, w)
				return ok, next
			case *collector:
				in.mu.Lock()
				in.ends = in.ends.Union(q.sets.of(w.states))
				in.mu.Unlock()
				return false, w
			case goal:
				return !q.sets.of(w.states).Intersect(StateSet(in)).Empty(), w
			}
			return false, w
		},
		Equal: func(a, b any) bool { return a.(walked) == b.(walked) },
		Hash:  func(s any) uint64 { return uint64(s.(walked).states) * 0x9e3779b97f4a7c15 },
	}
}

// operations makes porcupine's operations of some of the query's, and puts an operation
// with the input last behind them.
func operations(list []*Operation, last any) []porcupine.Operation {
	ops := make([]porcupine.Operation, 0, len(list)+1)
	for _, o := range list {
		ops = append(ops, porcupine.Operation{Input: o, Call: o.From, Return: o.To})
	}
	return append(ops, porcupine.Operation{Input: last, Call: Never + 1, Return: Never + 1})
}

// parts splits the query's operations into parts. In every order each part is over before
// the next begins, so the parts can be searched one by one: only the states in which a
// part may end matter to the next. It also leaves out operations that change no answer,
// and narrows windows to what every order must keep to. ok is false if no order exists.
func (q *Query) parts() (parts [][]*Operation, ok bool) {
	list := make([]*Operation, 0, len(q.Operations))
	var last [MaxChains]*Operation
	var of [MaxChains]int // how many operations a chain has
	untilEnd := slices.ContainsFunc(q.Operations, func(o Operation) bool { return o.UntilEnd })
	for i := range q.Operations {
		o := q.Operations[i]
		if o.Optional && o.Places == 0 && !untilEnd && o.Actions&^q.Hidden == 0 {
			continue // it may also have happened unseen, or not at all
		}
		for _, p := range o.In[:o.Places] {
			// An operation of a chain cannot begin before the chain's previous one.
			if last[p.Chain] != nil {
				o.From = max(o.From, last[p.Chain].From)
			}
			last[p.Chain] = &o
			of[p.Chain]++
		}
		list = append(list, &o)
	}
	last = [MaxChains]*Operation{}
	for i := len(list) - 1; i >= 0; i-- {
		o := list[i]
		alone := true
		for _, p := range o.In[:o.Places] {
			if last[p.Chain] != nil {
				o.To = min(o.To, last[p.Chain].To)
			}
			last[p.Chain] = o
			alone = alone && of[p.Chain] == 1
		}
		if alone {
			o.Places = 0 // its chains have no other operation
		}
		if o.From > o.To {
			return nil, false
		}
	}
	slices.SortStableFunc(list, func(a, b *Operation) int { return cmp.Compare(a.From, b.From) })
	queue(list)
	var to int64 = math.MinInt64
	begin := 0
	for i, o := range list {
		if i > begin && (o.From > to || isGate(list[begin:], i-1-begin)) {
			parts = append(parts, list[begin:i])
			begin = i
		}
		to = max(to, o.To)
	}
	return append(parts, list[begin:]), true
}

// isGate says whether, in every order, operation i of a list comes after all that stand
// before it and before all that stand behind it. An operation at which two chains meet may
// be one. The list must be sorted by the beginnings of the windows.
func isGate(list []*Operation, i int) bool {
	gate := list[i]
	if gate.Places == 0 || i > maxGate {
		return false
	}
	before := func(a, b *Operation) bool {
		if a.To < b.From {
			return true
		}
		for _, p := range a.In[:a.Places] {
			for _, r := range b.In[:b.Places] {
				if p.Chain == r.Chain {
					return p.Seq < r.Seq
				}
			}
		}
		return false
	}
	for _, o := range list[i+1:] {
		if o.From > gate.To {
			break
		}
		if !before(gate, o) {
			return false
		}
	}
	return !slices.ContainsFunc(list[:i], func(o *Operation) bool { return !before(o, gate) })
}

// maxGate bounds the index of a gate.
const maxGate = 1 << 10

// queue fixes the order of operations that are equal except for their windows, to spare
// the search from trying both orders. If one begins and ends no later than the other, it
// may be put first: in any order where it comes second, the two can change places.
func queue(list []*Operation) {
	var line [maxQueues]*Operation // the last in each
	var next [maxQueues]uint16
	n := 0
	for _, o := range list {
		if o.Places > 0 || o.Observes || o.OrderOnly || o.UntilEnd {
			continue
		}
		i := slices.IndexFunc(line[:n], func(p *Operation) bool {
			return p.Actions == o.Actions && p.Optional == o.Optional && p.To <= o.To
		})
		if i < 0 {
			if n == maxQueues {
				continue
			}
			i = n
			n++
		}
		o.In[0], o.Places = Place{int8(MaxChains + i), next[i]}, 1
		line[i] = o
		next[i]++
	}
}

// maxQueues is how many kinds of equal operations are put in order.
const maxQueues = 8

// Ends returns the states in which some fitting order ends. So one search says of every
// fact whether it is true in some order, and whether it is false in some order.
//
// The answer is kept by Key, because most lives of a long log are like others.
func (q *Query) Ends() (StateSet, Answer) {
	if q.Impossible {
		return StateSet{}, No
	}
	key := q.Key()
	if known, ok := q.Machine.Answers.Get(key); ok {
		return known.ends, known.answer
	}
	ends, ans := q.search()
	if ans != Undecided { // the next search may have more time
		q.Machine.Answers.Put(key, Found{ends: ends, answer: ans})
	}
	return ends, ans
}

func (q *Query) search() (StateSet, Answer) {
	left := MaxSteps
	return q.Within(&left)
}

// Within is Ends with at most *left steps and without the kept answers. It counts left
// down.
func (q *Query) Within(left *int) (StateSet, Answer) {
	w := q.startWalk()
	start := time.Now()
	parts, ok := q.parts()
	if !ok || w.states == empty {
		return StateSet{}, No
	}
	for _, part := range parts {
		timeout := q.Timeout
		if timeout > 0 {
			if timeout -= time.Since(start); timeout <= 0 {
				return StateSet{}, Undecided
			}
		}
		if len(part) == 1 { // a single operation needs no search
			if *left--; *left < 0 {
				return StateSet{}, Undecided
			}
			next, ok := q.apply(part[0], w)
			if !ok || !part[0].isNext(&w) {
				return StateSet{}, No
			}
			w = next
			continue
		}
		var c collector
		result := porcupine.CheckOperationsTimeout(q.porcupineModel(w, left), operations(part, &c), timeout)
		switch {
		case result == porcupine.Unknown || *left < 0:
			return StateSet{}, Undecided
		case c.ends.Empty():
			return StateSet{}, No
		}
		w.states = q.sets.put(c.ends)
		for _, o := range part {
			for _, p := range o.In[:o.Places] {
				w.done[p.Chain]++
			}
		}
	}
	return q.sets.of(w.states), Yes
}
