package runs

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
)

// ChangeKinds are the ways in which a run is changed.
var ChangeKinds = []string{
	"dropped", "repeated", "moved behind one of its CPU", "moved behind one of its task", "given to another thread", "another value",
}

// A Change is a run with one event changed.
type Change struct {
	Kind  string
	Event string // of which kind of event
	Lines []*Line
	Lives []int // the lives that the change touches
	What  string
}

// Change changes one event of one life; nil: there is none of which that can be done.
func (r *Run) Change(rng *rand.Rand, kind string) *Change {
	c := &Change{Kind: kind, Lines: slices.Clone(r.Lines)}
	var some []int
	for i, l := range c.Lines {
		if l.Thread >= 0 && r.told(l) && (kind != "another value" || l.valued()) && (kind != "given to another thread" || l.Event != "sched_process_fork") {
			some = append(some, i)
		}
	}
	if len(some) == 0 {
		return nil
	}
	i := r.pick(rng, c.Lines, some)
	l := *c.Lines[i]
	c.Event = l.Event
	if c.Event == "kthread_exit" {
		c.Event = "do_exit"
	}
	c.Lives = r.touched(&l)
	switch kind {
	case "dropped":
		c.Lines = slices.Delete(c.Lines, i, i+1)
	case "repeated":
		j := r.later(rng, c.Lines, i, func(o *Line) bool { return o.CPU == l.CPU })
		if j < 0 {
			j = i
		}
		c.insertBehind(j, l)
	case "moved behind one of its CPU", "moved behind one of its task":
		own := r.Lives[l.Thread].roles
		j := r.later(rng, c.Lines, i, func(o *Line) bool {
			if kind == "moved behind one of its CPU" {
				return o.CPU == l.CPU
			}
			return o.PID == l.PID && l.PID != 0 || own[l.About] != "" && o.About == l.About
		})
		if j < 0 {
			return nil
		}
		l.CPU = c.Lines[j].CPU
		c.insertBehind(j, l)
		c.Lines = slices.Delete(c.Lines, i, i+1)
	case "given to another thread":
		if len(r.Lives) < 2 || !r.give(rng, &l, c) {
			return nil
		}
		c.Lines[i] = &l
	case "another value":
		switch {
		case l.Event == "should_stop":
			l.Value = 1 - l.Value
		case l.Event == "park_ret":
			l.Value = -16
		default:
			l.Value += 1 + rng.IntN(3)
		}
		c.Lines[i] = &l
	}
	c.What = fmt.Sprintf("%s: %s on CPU %d at %d.%09d", kind, l.Event, l.CPU, r.Lines[i].Stamp/1e9, r.Lines[i].Stamp%1e9)
	return c
}

// pick takes one of the lines, so that rare events have their turn.
func (r *Run) pick(rng *rand.Rand, lines []*Line, some []int) int {
	byEvent := map[string][]int{}
	for _, i := range some {
		byEvent[lines[i].Event] = append(byEvent[lines[i].Event], i)
	}
	var names []string
	for n := range byEvent {
		names = append(names, n)
	}
	sort.Strings(names)
	list := byEvent[names[rng.IntN(len(names))]]
	return list[rng.IntN(len(list))]
}

// told: the event is one that a judge reads.
func (r *Run) told(l *Line) bool {
	return kinds[l.Event] != "" || l.Event == "sched_switch"
}

// valued: the event has a value.
func (l *Line) valued() bool {
	switch l.Event {
	case "sched_kthread_stop_ret", "kthread_exit", "do_exit", "should_stop", "park_ret":
		return true
	}
	return false
}

// later is a later line for which f is true, likely a near one; -1: there is none.
func (r *Run) later(rng *rand.Rand, lines []*Line, i int, f func(*Line) bool) int {
	var some []int
	for j := i + 1; j < len(lines); j++ {
		if f(lines[j]) {
			some = append(some, j)
		}
	}
	if len(some) == 0 {
		return -1
	}
	return some[min(rng.IntN(len(some)), rng.IntN(len(some)))]
}

// insertBehind puts a line behind the j-th, with a stamp between that of it and the next
// one's of its CPU.
func (c *Change) insertBehind(j int, l Line) {
	l.Stamp = c.Lines[j].Stamp
	c.Lines = slices.Insert(c.Lines, j+1, &l)
}

// give makes another thread of what an event is about or, where the thread itself does
// it, of who does it.
func (r *Run) give(rng *rand.Rand, l *Line, c *Change) bool {
	k := r.Lives[l.Thread].k
	other := r.Lives[rng.IntN(len(r.Lives))]
	if other.k == nil || other.k == k {
		return false
	}
	switch l.Event {
	case "sched_kthread_stop_ret", "park_ret":
		return false // they name no thread
	case "sched_switch":
		if l.Prev.PID == k.pid {
			return false // its task would contradict it
		}
	case "parkme", "kthread_exit", "do_exit", "should_stop", "sched_process_exit":
		l.PID, l.Comm = other.k.pid, other.k.comm
	}
	l.About, l.AboutComm, l.Addr = other.k.pid, other.k.comm, other.k.addr
	c.Lives = append(c.Lives, other.index)
	return true
}

// touched are the lives that an event is about.
func (r *Run) touched(l *Line) (lives []int) {
	for i, w := range r.Lives {
		if i == l.Thread || w.roles[l.About] != "" || l.Event == "sched_switch" && w.roles[l.Prev.PID] != "" {
			lives = append(lives, i)
		}
	}
	return lives
}

// judged: spec/KThreadTrace.tla knows all the steps of a walk.
func (w *Walk) judged() bool {
	if w.Model == "fails" || w.Kernel == "2.6.32" || w.Kernel == "3.18" {
		return false
	}
	for _, s := range w.Steps {
		if strings.HasPrefix(s.Action, "ParkRefused") || strings.HasPrefix(s.Action, "ParkFinds") {
			return false
		}
	}
	return true
}
