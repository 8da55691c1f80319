package ktrace

import (
	"github.com/kthread-tla/tracecheck/traces"
)

// Each sched_switch of a CPU takes the CPU from the task to which the one before gave it.
// Where it does not, lines of the CPU are missing between the two: they are lost, or
// somebody's filter or grep has left them out. A filter leaves out lines again and again,
// so a break of the chain is a loss only behind a long stretch without one.

// A Chain has a CPU's switches. Lines about tasks that somebody asks about do not count: a
// filter for these tasks would have left them in.
type Chain struct {
	Next int32 // the task that has the CPU; noTask: not known
	// whole is how many switches have gone on from the one before, less breakWeight for
	// each break; not below 0.
	whole int32
	line  int // of the latest switch
}

const noTask = -1

// A break of the chain counts as much as breakWeight switches that go on from the one
// before, of which longest are counted. With enough of these, a break is a loss.
const breakWeight, enough, longest = int32(32), int32(64), int32(256)

// manyBreaks is how many breaks there are that are no loss until a diagnostic says so.
const manyBreaks = 16

// maxChains bounds the CPUs whose chains are looked at: as many as three digits can tell,
// and some to spare.
const maxChains = 1 << 10

// chains has the chains of all CPUs. The last one is of no CPU.
type chains [maxChains]Chain

// noChain is the CPU of the chain that is of no CPU.
const noChain = maxChains - 1

// Switched notes that line n is a sched_switch of a CPU. If lines before it are lost, it
// emits a Loss.
func (t *Decoder) Switched(n, cpu int, prev, next int) {
	if uint(cpu) >= noChain || t.unsorted != nil {
		return
	}
	c := &t.chains[cpu]
	switch {
	case int(c.Next) != prev:
		t.chainBreaks(n, cpu, prev)
	case !t.wants(prev) && !t.wants(next):
		c.whole++
	}
	c.Next, c.line = int32(next), n
}

// chainBreaks takes a switch that does not go on from the one before of its CPU.
func (t *Decoder) chainBreaks(n, cpu, prev int) {
	c := &t.chains[cpu]
	lost := c.whole >= enough
	c.whole = max(min(c.whole, longest)-breakWeight, 0)
	switch {
	case c.Next == noTask:
	case lost:
		t.stats.Diagnose(n, "pid %d leaves CPU %d, which pid %d has got in line %d: lines between them are missing", prev, cpu, c.Next, c.line)
		t.emit(traces.Event{Kind: traces.Loss, Line: n, CPU: cpu, Extent: traces.Extent{Since: c.line}})
	case t.gaps.breaks < manyBreaks:
		if t.gaps.breaks++; t.gaps.breaks == manyBreaks {
			t.stats.Diagnose(n, "the trace is filtered: tasks leave a CPU that it has not given to them; what is in it of a thread is taken for all that there is of it")
		}
	}
}

// A ChainWalk notes switches as Decoder.Switched does, but only those that nobody asks about
// and that are no loss.
type ChainWalk struct {
	chains *chains
	before int32 // with so many switches that go on from the one before, Switched must look at a break
}

// ChainWalk makes a ChainWalk, which is good until the next call of Switched.
func (t *Decoder) ChainWalk() ChainWalk {
	w := ChainWalk{&t.chains, enough}
	if t.gaps.breaks < manyBreaks {
		w.before = 0
	}
	return w
}

// Switched notes that line n is a sched_switch; ^cpu is its CPU. It does nothing where cpu
// is 0, because the line is no switch. It is false, and notes nothing, where
// Decoder.Switched must be called. Which lines are switches, and which break the chain,
// cannot be predicted, so there are no branches.
func (w *ChainWalk) Switched(n int, cpu, prev, next int32) bool {
	c := &w.chains[uint32(^cpu)%maxChains] // of a line that is no switch, noChain
	differ := (c.Next ^ prev) & (cpu >> 31)
	breaks := (differ | -differ) >> 31
	if breaks&(w.before-1-c.whole) < 0 {
		return false
	}
	c.Next, c.line = next, n
	c.whole = max(c.whole+1-breaks&(breakWeight+1), 0)
	return true
}

// continues says whether no lines before a switch are lost.
func (t *Decoder) continues(cpu int, prev int32) bool {
	if uint(cpu) >= noChain {
		return true
	}
	c := &t.chains[cpu]
	return c.Next == prev || c.Next == noTask || c.whole < enough
}

// chainEnds forgets the chain of a CPU, because lines behind its latest one are missing.
// -1: of any CPU.
func (t *Decoder) chainEnds(cpu int) {
	if uint(cpu) < noChain {
		t.chains[cpu].Next = noTask
		return
	}
	if cpu < 0 {
		for i := range t.chains {
			t.chains[i].Next = noTask
		}
	}
}
