package checker

import (
	"math"
	"slices"

	"github.com/kthread-tla/tracecheck/checker/internal/clock"
	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/traces"
)

// first and last bound all moments of a trace that has no clock to go by.
const first, last = math.MinInt64 / 4, model.Never - 1

// A span is when something happened: a closed interval.
type span struct{ from, to int64 }

// A timeline puts the events of a traced life on one clock: that of the CPU that most of
// them are of. Events of that CPU have windows of no width. Those of another are as wide as
// it is uncertain by how much its clock differs. The order of two events of one CPU is
// certain, and their windows do not say otherwise.
type timeline struct {
	life    *Life
	cpu     int    // whose clock it is; -1: the trace does not tell CPUs apart
	windows []span // by event, in nanoseconds, or from first to last
}

// newTimeline makes the timeline of a life that tracers saw. It appends the windows to buf,
// which must be empty.
func newTimeline(l *Life, buf []span) timeline {
	t := timeline{life: l, cpu: l.ClockOf(), windows: buf}
	for i := range l.Compact() {
		t.windows = append(t.windows, t.window(i))
	}
	if t.cpu >= 0 {
		t.widen()
	}
	return t
}

// widen widens windows until they allow each CPU's own order of its events.
func (t *timeline) widen() {
	events := t.life.Compact()
	type bound struct {
		cpu int
		at  int64
	}
	var buf [8]bound
	of := func(known []bound, cpu int) int {
		return slices.IndexFunc(known, func(b bound) bool { return b.cpu == cpu })
	}
	known := buf[:0]
	for i := range events {
		to, n := &t.windows[i].to, of(known, events[i].CPU())
		if n < 0 {
			known = append(known, bound{events[i].CPU(), *to})
			continue
		}
		*to = max(*to, known[n].at)
		known[n].at = *to
	}
	known = known[:0]
	for i := len(events) - 1; i >= 0; i-- {
		from, n := &t.windows[i].from, of(known, events[i].CPU())
		if n < 0 {
			known = append(known, bound{events[i].CPU(), *from})
			continue
		}
		*from = min(*from, known[n].at)
		known[n].at = *from
	}
}

// before says whether it is certain that event i, whose line comes first, happened before
// event j.
func (t *timeline) before(i, j int) bool {
	events := t.life.Compact()
	return t.cpu < 0 || events[i].CPU() == events[j].CPU() || t.windows[i].to < t.windows[j].from
}

// inLines says whether the events may have happened in the order of their lines.
func (t *timeline) inLines() bool {
	from := int64(math.MinInt64)
	for _, w := range t.windows {
		if from > w.to {
			return false
		}
		from = max(from, w.from)
	}
	return true
}

// order returns the events in the order of their lines, but for those whose windows say for
// certain that they come earlier.
func (t *timeline) order() []int {
	order := make([]int, len(t.windows))
	for i := range order {
		order[i] = i
	}
	if t.inLines() {
		return order
	}
	for j := range order {
		to := t.windows[j].to
		if at := slices.IndexFunc(order[:j], func(i int) bool { return to < t.windows[i].from }); at >= 0 {
			copy(order[at+1:], order[at:j])
			order[at] = j
		}
	}
	return order
}

func (t *timeline) window(i int) span {
	k := &t.life.Compact()[i]
	lo, hi := int64(-clock.Slack/2), int64(clock.Slack/2)
	switch {
	case k.Clock != traces.Nanoseconds, k.Stamp > last/4, k.Stamp < first:
		return span{first, last} // no clock has run for so long
	case t.cpu >= 0:
		lo, hi = t.life.Offset(t.cpu, i)
	default:
		// The clocks of no two CPUs differ by more than Slack. So there is a clock from
		// which none differs by more than half of it.
	}
	return span{max(first, k.Stamp-hi), min(last, k.Stamp-lo)}
}

// chains are the chains of a life's operations: what a task did, in the order in which it
// did so, and what a CPU has stamped.
type chains struct {
	times *timeline
	of    []chain
	next  [model.MaxChains]uint16
	last  [model.MaxChains]int // the event of the latest operation; -1: there is none
}

// A chain is a task's, or a CPU's.
type chain struct {
	number int // the task's pid, or the CPU's
	isCPU  bool
}

func ofTask(t traces.Task) chain { return chain{t.PID, false} }

func ofCPU(cpu int) chain { return chain{cpu, true} }

// newChains makes the chains of a life. The first is the thread's.
func newChains(t *timeline) chains {
	c := chains{times: t, of: make([]chain, 0, model.MaxChains)}
	c.begin(ofTask(t.life.Thread))
	return c
}

func (c *chains) begin(of chain) int {
	c.of = append(c.of, of)
	n := len(c.of) - 1
	c.last[n] = -1
	return n
}

// put puts an operation behind those of a chain. Where a task has gone to another CPU, and
// it is not certain which of its operations was first, another chain of it begins. If there
// are too many chains, the order of a further one is not kept, which allows more.
func (c *chains) put(o *model.Operation, in chain) {
	idle := in == chain{} // several tasks have pid 0
	n := len(c.of) - 1
	for n >= 0 && c.of[n] != in {
		n--
	}
	if n >= 0 && c.last[n] >= 0 && o.Event >= 0 && !c.times.before(c.last[n], o.Event) {
		if c.times.isOthers(o.Event, in) {
			return
		}
		n = -1
	}
	if n < 0 && len(c.of) < model.MaxChains && !idle {
		n = c.begin(in)
	}
	if n < 0 || o.Places == len(o.In) || idle && n != 0 {
		return
	}
	if slices.ContainsFunc(o.In[:o.Places], func(p model.Place) bool { return int(p.Chain) == n }) {
		return // a task that wakes itself
	}
	o.In[o.Places] = model.Place{Chain: int8(n), Seq: c.next[n]}
	o.Places++
	c.next[n]++
	c.last[n] = o.Event
}

// isOthers says whether event i is one that another task did to a chain's task.
func (t *timeline) isOthers(i int, in chain) bool {
	return !in.isCPU && t.life.Compact()[i].Kind == traces.Woken && t.life.Caller(i).PID != in.number
}
